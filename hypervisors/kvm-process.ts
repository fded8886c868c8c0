/** A guest's QEMU on a host: started, looked at, ended. A guest is no unit: it lives across trials. */
import { z } from "zod";
import type { GuestSpec, GuestState } from "../model/guest.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { NoExitStatus } from "../remote/shell.ts";
import { act } from "./acts.ts";
import { guestFiles, nameArgument, qemuCommandLine, type GuestStart } from "./kvm-command-line.ts";
import { qmp } from "./qmp.ts";
import { tapOf } from "./wiring.ts";

/** Deleted as a group, TAPs wait for the end of all traffic through them once, not one after another. */
const tapGroup = 19528;

/** Arguments: folder, TAP=BRIDGE…, --, QEMU's command line. */
const startScript = `
folder=$1; shift
mkdir -p -m 700 "$folder"
while [ "$1" != -- ]; do
  tap=\${1%%=*} bridge=\${1#*=}; shift
  [ -e "/sys/class/net/$tap" ] || echo "tuntap add dev $tap mode tap vnet_hdr"
  echo "link set $tap master $bridge txqueuelen 500 group ${tapGroup} up"
done >"$folder/taps"
ip -batch "$folder/taps"
shift
exec "$@"
`;

/** Returns when QEMU has taken its devices and opened its sockets. @throws {CommandFailed} with QEMU's own words */
export const startQemu = async (
  agent: Agent,
  fence: Fence,
  guest: GuestSpec,
  start: GuestStart,
): Promise<void> => {
  const { folder } = guestFiles(start.runFolder, guest.name);
  const taps = guest.nics.map((nic) => `${tapOf(nic)}=${nic.bridge}`);
  const argv = qemuCommandLine(guest, start);
  await act(agent, fence, ["sh", "-ec", startScript, "sh", folder, ...taps, "--", ...argv]);
};

/** Arguments: folder, the guest's -name, seconds, TAP… Only a process that carries that name is killed. */
const endScript = `
folder=$1 name=$2 tries=$3; shift 3
ours() { tr '\\0' '\\n' <"/proc/$1/cmdline" 2>/dev/null | grep -qxF -- "$name"; }
if read -r pid <"$folder/pid" 2>/dev/null && ours "$pid"; then
  kill -KILL "$pid"
  while ours "$pid"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { echo "process $pid survived SIGKILL" >&2; exit 1; }
    sleep 0.005
  done
fi
ip link delete group ${tapGroup} 2>/dev/null
for tap; do
  [ ! -e "/sys/class/net/$tap" ] || ip link delete "$tap"
  [ ! -e "/sys/class/net/$tap" ] || { echo "$tap is still there" >&2; exit 1; }
done
rm -rf "$folder"
`;

/** Idempotent. @throws {CommandFailed} when process or TAPs are still there */
export const endQemu = async (
  agent: Agent,
  fence: Fence,
  guest: GuestSpec,
  runFolder: string,
): Promise<void> => {
  const { folder } = guestFiles(runFolder, guest.name);
  const taps = guest.nics.map(tapOf);
  await act(agent, fence, [
    ...["sh", "-c", endScript, "sh", folder, nameArgument(guest), "2000"],
    ...taps,
  ]);
};

/** null: no such process, or another one by now. */
export const qemuPid = async (
  agent: Agent,
  guest: GuestSpec,
  runFolder: string,
): Promise<{ readonly known: boolean; readonly pid: number | null }> => {
  const files = guestFiles(runFolder, guest.name);
  const { [files.pid]: text } = await agent.readFiles([files.pid]);
  if (text == null) return { known: false, pid: null };
  const pid = Number(text.trim());
  const commandLine = `/proc/${pid}/cmdline`;
  const { [commandLine]: argv } = await agent.readFiles([commandLine]);
  const alive = argv?.split("\0").includes(nameArgument(guest)) ?? false;
  return { known: true, pid: alive ? pid : null };
};

/** Whether the guest's process runs with the command line of `start`, wherever it was started first. */
export const runsAs = async (
  agent: Agent,
  guest: GuestSpec,
  start: GuestStart,
): Promise<boolean> => {
  const { pid } = await qemuPid(agent, guest, start.runFolder);
  if (pid === null) return false;
  const path = `/proc/${pid}/cmdline`;
  const { [path]: text } = await agent.readFiles([path]);
  const running = (text ?? "").split("\0").slice(0, -1);
  // The destination of an earlier migration; what follows is where it listened.
  const incoming = running.indexOf("-incoming");
  if (incoming >= 0) running.splice(incoming, 2);
  return running.join("\0") === qemuCommandLine(guest, { ...start, incoming: null }).join("\0");
};

const status = z.object({ status: z.string() });

/** QEMU's run states (qapi/run-state.json) in the words of all platforms. */
export const stateOf = (runState: string): GuestState => {
  switch (runState) {
    case "running":
      return "running";
    case "inmigrate":
      return "incoming";
    // The state moved away, the guest shut down or died: what is left can only be removed.
    case "postmigrate":
    case "shutdown":
    case "internal-error":
    case "guest-panicked":
      return "stopped";
    default:
      return "paused";
  }
};

/** @throws {NoExitStatus} QEMU lives but its monitor does not answer */
export const qemuState = async (
  agent: Agent,
  guest: GuestSpec,
  runFolder: string,
): Promise<GuestState> => {
  const { known, pid } = await qemuPid(agent, guest, runFolder);
  if (!known) return "absent";
  if (pid === null) return "stopped";
  try {
    const monitor = guestFiles(runFolder, guest.name).monitor;
    const [answer] = await qmp(agent, null, monitor, [{ execute: "query-status" }]);
    return stateOf(status.parse(answer).status);
  } catch (error) {
    // It may have ended while it was being asked.
    if (error instanceof NoExitStatus && (await qemuPid(agent, guest, runFolder)).pid === null)
      return "stopped";
    throw error;
  }
};
