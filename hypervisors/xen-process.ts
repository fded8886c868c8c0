/** A guest of Xen on a host: started, looked at, ended, by `xl`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { GuestSpec, GuestState } from "../model/guest.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { CommandFailed } from "../remote/shell.ts";
import { act } from "./acts.ts";
import { consoleLogs, xenFiles } from "./xen-config.ts";
import { guestStateOf, parseXlList, suffixes, type Domain } from "./xen-list.ts";

const source = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8");

/** A question to the toolstack. On an emulated host of a busy machine 35 s were not enough for five at once. */
export const toolstackMs = 120_000;
/** libxl gives up by itself before (40 s for an interface, 60 s for a device model). */
const createMs = 180_000;
const destroyMs = 180_000;

/** Arguments: folder, then FILE CONTENT…. */
const putScript = `
mkdir -p -m 700 "$1"; folder=$1; shift
while [ $# -gt 0 ]; do
  printf %s "$2" >"$folder/$1.new"
  chmod 700 "$folder/$1.new"
  mv "$folder/$1.new" "$folder/$1"
  shift 2
done
`;

/** What a guest needs on a host before it is created there, or arrives. Idempotent. */
export const putGuestFiles = async (
  agent: Agent,
  fence: Fence,
  runFolder: string,
  guest: GuestSpec,
  config: string,
): Promise<void> => {
  const { folder } = xenFiles(runFolder, guest.name);
  const files = { "xl.cfg": config, vif: source("xen-vif.sh"), "relay.py": source("xen-relay.py") };
  await act(agent, fence, [
    ...["sh", "-ec", putScript, "sh", folder],
    ...Object.entries(files).flat(),
  ]);
};

/** Starts it; it boots for a while after that. @throws {CommandFailed} with xl's own words */
export const createDomain = async (
  agent: Agent,
  fence: Fence,
  runFolder: string,
  guest: GuestSpec,
): Promise<void> => {
  const { config } = xenFiles(runFolder, guest.name);
  // -e: no process of xl's stays behind to watch the guest. The console's log of an earlier guest is not this one's.
  const script = 'rm -f "$2" "$3"; exec xl create -e "$1"';
  await act(agent, fence, ["sh", "-c", script, "sh", config, ...consoleLogs(guest.name)], {
    timeoutMs: createMs,
  });
};

/** What xl says on a host that was booted without Xen: no guest runs there. */
const withoutXen = "Can't find hypervisor information";

const listDomains = async (agent: Agent): Promise<readonly Domain[]> => {
  const argv = ["xl", "list"];
  const listed = await agent.read(argv, { timeoutMs: toolstackMs });
  if (listed.exitCode === 0) return parseXlList(listed.stdout);
  if (listed.stderr.includes(withoutXen)) return [];
  throw new CommandFailed(agent.host, argv, listed);
};

/** Whether something waits on that host for the guest to arrive. */
const isReceiving = async (agent: Agent, runFolder: string, guest: GuestSpec): Promise<boolean> => {
  const { incoming } = xenFiles(runFolder, guest.name);
  const { [incoming]: text } = await agent.readFiles([incoming]);
  if (text == null) return false;
  const path = `/proc/${Number(text)}/cmdline`;
  return (await agent.readFiles([path]))[path]?.includes("python") ?? false;
};

/** @throws {CommandFailed} the toolstack said no @throws {NoExitStatus} it does not answer */
export const domainState = async (
  agent: Agent,
  runFolder: string,
  guest: GuestSpec,
): Promise<GuestState> => {
  const [domains, receiving] = await Promise.all([
    listDomains(agent),
    isReceiving(agent, runFolder, guest),
  ]);
  return guestStateOf(domains, guest.name, receiving);
};

/**
 * Arguments: folder, guest, tries, VIF…
 * Whatever migrates the guest goes first: a hung `xl migrate-receive` outlives its domain, and holds the
 * toolstack's lock where dom0 autoballoons. Its processes are known by the guest's name, by the relay's path,
 * or, at the destination, as children of the unit that waits for the guest.
 */
const destroyScript = `
folder=$1 guest=$2 tries=$3; shift 3
end() {
  for child in $(ps -o pid= --ppid "$1"); do end "$child"; done
  kill -KILL "$1" 2>/dev/null
}
if read -r waiting 2>/dev/null <"$folder/incoming" || [ -n "$waiting" ]; then
  tr '\\0' ' ' <"/proc/$waiting/cmdline" 2>/dev/null | grep -q python && end "$waiting"
fi
for pid in $(ps -eo pid=,args= | grep -F -e "migrate -s  $guest " -e "$folder/relay.py" | grep -v grep | awk '{print $1}'); do
  [ "$pid" = $$ ] || end "$pid"
done
left() { xl list | awk -v guest="$guest" '$1 == guest || $1 == guest "${suffixes.incoming}" || $1 == guest "${suffixes.away}" {print $2}'; }
for domid in $(left); do xl destroy "$domid"; done
gone() {
  [ -z "$(left)" ] || return 1
  for vif; do [ ! -e "/sys/class/net/$vif" ] || return 1; done
}
until gone "$@"; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { echo "still there:" >&2; xl list >&2; ip -br link >&2; exit 1; }
  sleep 0.1
done
rm -rf "$folder"
`;

/** Idempotent. @throws {CommandFailed} when domain or interfaces are still there */
export const destroyDomain = async (
  agent: Agent,
  fence: Fence,
  runFolder: string,
  guest: GuestSpec,
  vifs: readonly string[],
): Promise<void> => {
  const { folder } = xenFiles(runFolder, guest.name);
  await act(agent, fence, ["sh", "-c", destroyScript, "sh", folder, guest.name, "300", ...vifs], {
    timeoutMs: destroyMs,
  });
};
