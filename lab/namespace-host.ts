/** A namespace host: namespaces of PID, mount, UTS and network, held by nothing but their own init. */
import { randomUUID } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { execa } from "execa";
import { endAll, isAlive, killAll, namespaceOf, processesIn, processRecord } from "./processes.ts";
import { type HostRecord, type LabState, type Place, writeAtomically } from "./records.ts";
import { accessOf } from "./ssh-access.ts";
import { runFolder } from "./testbed.ts";

/** In the environment of every process that holds a lab's namespaces: finds them when the records are lost. */
export const labMark = (state: LabState): string => `LONGHAUL_LAB=${state.id}`;
export const hostFolder = (state: LabState, place: Place): string =>
  join(state.lab, "hosts", place);

const initScript = join(import.meta.dirname, "host", "init.sh");
const etc = {
  passwd: "root:x:0:0:root:/run:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n",
  // `*` can log in with a key and with no password; `!` would be a locked account to sshd.
  shadow: "root:*:19000:0:99999:7:::\nsshd:*:19000:0:99999:7:::\n",
  group: "root:x:0:\ntty:x:5:\nkvm:x:104:\nnogroup:x:65534:\n",
};

/** What runs as process 1 of a host's namespaces, and what it finds in the host's folder. */
export interface Init {
  /** Says "ready PID" on standard output once the namespaces are as they must be. */
  readonly script: string;
  readonly argv: readonly string[];
  /** Contents by file name. */
  readonly files: Readonly<Record<string, string>>;
  /** What else must be there before it starts. */
  readonly prepare?: () => void;
}

/** Starts an init with a boot id of its own. Without wires yet: the NICs are plugged in afterwards. */
export const startHost = (state: LabState, place: Place): Promise<HostRecord> =>
  startInit(state, place, {
    script: initScript,
    argv: [place, hostFolder(state, place), runFolder],
    files: { ...etc, ...accessOf(state) },
  });

export const startInit = async (
  state: LabState,
  place: Place,
  { script, argv, files, prepare }: Init,
): Promise<HostRecord> => {
  const folder = hostFolder(state, place);
  const bootId = randomUUID();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [file, content] of Object.entries({ ...files, boot_id: `${bootId}\n` }))
    writeFileSync(join(folder, file), content, { mode: 0o600 });
  prepare?.();

  const errors = openSync(join(folder, "init.log"), "w", 0o600);
  const child = spawn(
    "unshare",
    [
      ...["--pid", "--mount", "--uts", "--net", "--fork", "--kill-child"],
      ...["sh", script, ...argv],
    ],
    {
      cwd: "/",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", [labMark(state).split("=")[0]!]: state.id },
      // Its own session: a terminal's Ctrl-C and Longhaul's end leave the host alone.
      detached: true,
      stdio: ["ignore", "pipe", errors],
    },
  );
  closeSync(errors);
  const { stdout } = child;
  if (!stdout) throw new Error(`${place}: its init has no standard output`);
  const pid = await new Promise<number>((found, failed) => {
    let said = "";
    stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const ready = /^ready (\d+)$/m.exec(said);
      if (ready) found(Number(ready[1]));
    });
    child.on("error", failed);
    stdout.on("end", () => {
      // When another host's start has failed, this one is killed and its folder is gone.
      const file = join(folder, "init.log");
      const log = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
      failed(new Error(`${place}: its init ended before it was ready: ${log || "no message"}`));
    });
  });
  stdout.destroy();
  child.unref();

  const record = processRecord(pid);
  if (!record) throw new Error(`${place}: its init ${pid} ended at once`);
  const namespace = (kind: "pid" | "mnt" | "uts" | "net") => namespaceOf(pid, kind) ?? "gone";
  // The reach script looks here, so that a connection always finds the init of now.
  writeAtomically(join(folder, "init"), `${pid} ${record.startTicks}\n`);
  return {
    ...record,
    bootId,
    namespaces: {
      pid: namespace("pid"),
      mnt: namespace("mnt"),
      uts: namespace("uts"),
      net: namespace("net"),
    },
  };
};

/** The power button: kills the init, and with it every process of the host, and waits until none is left. */
export const killHost = async (host: HostRecord): Promise<void> => {
  killAll([host]);
  const namespaces = new Set(Object.values(host.namespaces));
  await endAll(
    `init ${host.pid} and all its processes`,
    () => [...processesIn(namespaces), ...(isAlive(host) ? [host] : [])],
    20_000,
  );
};

/** Runs a command in namespaces of a host from outside: the lab's own wiring, never a campaign's acts. */
export const inside = async (
  host: HostRecord,
  namespaces: readonly ("net" | "mount" | "pid" | "uts")[],
  argv: readonly string[],
  input = "",
): Promise<string> => {
  const flags = namespaces.map((kind) => `--${kind}`);
  const { stdout } = await execa("nsenter", ["-t", String(host.pid), ...flags, "--", ...argv], {
    input,
  });
  return stdout;
};
