/** The guests' QEMU processes, seen from the machine, and their sockets. */
import { createConnection } from "node:net";
import { join } from "node:path";
import { guestFiles, type GuestFiles } from "../../hypervisors/kvm-command-line.ts";
import type { HostName } from "../../model/testbed.ts";
import { commandLine, processesIn, type ProcessRecord } from "../processes.ts";
import type { LabRecord } from "../records.ts";
import { runFolder } from "../testbed.ts";

export interface Qemu extends ProcessRecord {
  readonly host: "R1" | "R2";
  readonly guest: string;
  /** Was started to receive a migration; it may have received it since. */
  readonly incoming: boolean;
}

/** QEMUs of guests; the one that proves an accelerator has no name. */
export const qemusOf = (lab: LabRecord): readonly Qemu[] =>
  (["R1", "R2"] as const).flatMap((host) => {
    const init = lab.hosts[host];
    if (!init) return [];
    return processesIn(new Set([init.namespaces.pid])).flatMap((record) => {
      const argv = commandLine(record.pid);
      const name = argv[argv.indexOf("-name") + 1]?.split(",")[0];
      if (!argv[0]?.includes("qemu-system") || !argv.includes("-name") || !name) return [];
      return [{ ...record, host, guest: name, incoming: argv.includes("-incoming") }];
    });
  });

/** The guest's QEMU on that host, or the one whose guest runs. @throws {Error} there is none */
export const qemuAt = async (lab: LabRecord, host: HostName | null): Promise<Qemu> => {
  const found = qemusOf(lab).filter((qemu) => host === null || qemu.host === host);
  const [first] = found;
  if (!first)
    throw new Error(
      host === null ? "no guest of this lab runs a QEMU" : `${host}: no guest's QEMU runs there`,
    );
  if (found.length === 1) return first;
  const states = await Promise.all(found.map((qemu) => runState(qemu)));
  return found.find((_, index) => states[index] === "running") ?? first;
};

/** Files of the guest as the machine finds them: through the process's own root. */
export const filesOf = (qemu: Qemu): GuestFiles => {
  const files = guestFiles(runFolder, qemu.guest);
  const seen = (path: string) => join(`/proc/${qemu.pid}/root`, path);
  return Object.fromEntries(
    Object.entries(files).map(([what, path]: [string, string]) => [what, seen(path)]),
  ) as unknown as GuestFiles;
};

/** As qapi/run-state.json names it; null: its monitor does not answer. */
export const runState = async (qemu: Qemu): Promise<string | null> => {
  try {
    const [answer] = await askMonitor(qemu, [{ execute: "query-status" }], { timeoutMs: 2_000 });
    return /"status": "([a-z-]+)"/.exec(answer ?? "")?.[1] ?? null;
  } catch (error) {
    if (error instanceof Silence) return null;
    throw error;
  }
};

/** The far end of a socket said nothing in time, or hung up. */
class Silence extends Error {
  override name = "Silence";
}

/** Sends lines one after another, each when the one before was answered by a line that fits. */
const converse = (
  path: string,
  exchange: readonly { readonly send: string | null; readonly until: RegExp }[],
  timeoutMs: number,
): Promise<readonly string[]> =>
  new Promise((answered, failed) => {
    const answers: string[] = [];
    let rest = "";
    const socket = createConnection(path);
    const end = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      if (error) failed(error);
      else answered(answers);
    };
    const timer = setTimeout(
      () => end(new Silence(`${path}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    const say = () => {
      const send = exchange[answers.length]?.send;
      if (send != null) socket.write(`${send}\n`);
    };
    socket.setEncoding("utf8");
    socket.on("connect", say);
    socket.on("error", (cause) => end(new Silence(`${path}: ${cause.message}`, { cause })));
    socket.on("close", () => end(new Silence(`${path}: closed before it answered`)));
    socket.on("data", (text: string) => {
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (exchange[answers.length]?.until.test(line) !== true) continue;
        answers.push(line);
        if (answers.length === exchange.length) return end();
        say();
      }
    });
  });

type MonitorStep =
  { readonly execute: string; readonly arguments?: object } | { readonly event: string };

/** One conversation with QEMU's monitor: commands, and events that are waited for. @throws {Silence} @throws {Error} refused */
export const askMonitor = async (
  qemu: Qemu,
  steps: readonly MonitorStep[],
  options: { readonly timeoutMs: number },
): Promise<readonly string[]> => {
  const lines = await converse(
    filesOf(qemu).monitor,
    [
      { send: null, until: /"QMP"/ },
      ...[{ execute: "qmp_capabilities" }, ...steps].map((step, index) =>
        "event" in step
          ? { send: null, until: new RegExp(`"event": *"${step.event}"`) }
          : {
              send: JSON.stringify({ ...step, id: `fault-${index}` }),
              until: new RegExp(`"id": *"fault-${index}"`),
            },
      ),
    ],
    options.timeoutMs,
  );
  const refused = lines.find((line) => line.includes('"error"'));
  if (refused !== undefined)
    throw new Error(`${qemu.host}: QEMU of ${qemu.guest} refused: ${refused}`);
  return lines.slice(2);
};

/** A script as one line of shell, whatever it is made of. */
export const oneLine = (script: string): string =>
  `sh -c "$(echo ${Buffer.from(script).toString("base64")} | base64 -d)"`;

let asked = 0;
const askOnce = (qemu: Qemu, words: string, timeoutMs: number): Promise<readonly string[]> => {
  const id = `fault${process.pid}x${(asked += 1)}`;
  const send = `\n${id} ${words}`;
  return converse(
    filesOf(qemu).commands,
    [{ send, until: new RegExp(`^longhaul ${id} \\d+ `) }],
    timeoutMs,
  );
};

/**
 * A guest that has just booted may lose the first words: its shell does not listen yet. Each further
 * try waits longer: on a loaded machine an emulated guest was seen to take seconds for an answer.
 */
const reachGuest = async (qemu: Qemu, timeoutMs: number): Promise<void> => {
  const end = performance.now() + timeoutMs;
  for (let tryMs = 1_000, heard = false; !heard; tryMs *= 2) {
    const left = end - performance.now();
    heard = await askOnce(qemu, ":", Math.min(tryMs, Math.max(left, 100))).then(
      () => true,
      (error: unknown) => {
        if (!(error instanceof Silence) || performance.now() > end - 100) throw error;
        return false;
      },
    );
  }
};

/** Runs a script in the guest: its output. What is to outlive the answer is put in the background there. @throws {Silence} @throws {Error} it ended with another status than 0 */
export const askGuest = async (qemu: Qemu, script: string, timeoutMs = 20_000): Promise<string> => {
  await reachGuest(qemu, timeoutMs);
  const [line = ""] = await askOnce(qemu, oneLine(script), timeoutMs);
  const [, status, output = ""] = /^longhaul \S+ (\d+) (.*)$/s.exec(line) ?? [];
  // One line; see lab/guest/commands.sh.
  const said = output.replaceAll("\u001e", "\n");
  if (status !== "0")
    throw new Error(`${qemu.guest} on ${qemu.host}: ${script} ended with ${status}: ${said}`);
  return said;
};

/** Runs a script that may end the guest before its answer is out. @throws {Silence} the guest was silent before */
export const tellGuest = async (qemu: Qemu, script: string): Promise<void> => {
  await reachGuest(qemu, 20_000);
  await askOnce(qemu, oneLine(script), 5_000).catch((error: unknown) => {
    if (!(error instanceof Silence)) throw error;
  });
};
