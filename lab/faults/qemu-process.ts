/** Faults of a guest's QEMU process, from outside it. */
import { spawn } from "node:child_process";
import { isAlive, killAll, processRecord, until } from "../processes.ts";
import { labMark } from "../namespace-host.ts";
import { python } from "../python.ts";
import { nothingMore, type Fault } from "./fault.ts";
import { askMonitor, filesOf, qemuAt } from "./qemu.ts";
import { stopProcesses } from "./stop.ts";

export const qemuStop: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  return {
    host: qemu.host,
    detail: `QEMU ${qemu.pid} of ${qemu.guest} on ${qemu.host} stands still`,
    undo: [{ kind: "continue", processes: [qemu] }],
    make: async () => {
      await stopProcesses([qemu]);
      return nothingMore();
    },
  };
};

/** As an operator or an error of the guest's disk does it: the process lives, and says that its guest is paused. */
export const guestPause: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  const { pid, startTicks } = qemu;
  return {
    host: qemu.host,
    detail: `${qemu.guest} on ${qemu.host} is paused by its monitor`,
    undo: [{ kind: "resume", qemu: { pid, startTicks } }],
    make: async () => {
      await askMonitor(qemu, [{ execute: "stop" }], { timeoutMs: 5_000 });
      return nothingMore();
    },
  };
};

export const qemuKill: Fault = async ({ lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  return {
    host: qemu.host,
    detail: `QEMU ${qemu.pid} of ${qemu.guest} on ${qemu.host} is killed`,
    undo: [],
    make: async () => {
      killAll([qemu]);
      await until(`the end of QEMU ${qemu.pid}`, () => !isAlive(qemu), 5_000);
      return nothingMore();
    },
  };
};

/** Connects, says so, reads whatever comes and answers nothing, until every socket is closed. */
const holder = `
import select, socket, sys
held = []
for path in sys.argv[1:]:
    one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    one.connect(path)
    held.append(one)
print("held", flush=True)
while held:
    for one in select.select(held, [], [])[0]:
        try:
            ended = not one.recv(65536)
        except OSError:
            ended = True
        if ended:
            held.remove(one)
`;

export const monitorSilent: Fault = async ({ state, lab, order }) => {
  const qemu = await qemuAt(lab, order.host);
  const { monitor, migrationMonitor } = filesOf(qemu);
  return {
    host: qemu.host,
    detail: `both monitors of ${qemu.guest} on ${qemu.host} are held by a client that never speaks`,
    undo: [],
    make: async () => {
      const [mark = "", id = ""] = labMark(state).split("=");
      const child = spawn(python(), ["-I", "-S", "-c", holder, monitor, migrationMonitor], {
        cwd: "/",
        env: { PATH: "/usr/bin:/bin", [mark]: id },
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
      });
      const said = await new Promise<string>((heard, failed) => {
        let errors = "";
        child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
        child.stdout.setEncoding("utf8").once("data", heard);
        child.on("error", failed);
        child.on("close", () =>
          failed(new Error(`${qemu.host}: the monitors cannot be held: ${errors.trim()}`)),
        );
      });
      const record = child.pid === undefined ? null : processRecord(child.pid);
      if (!said.startsWith("held") || !record)
        throw new Error(`${qemu.host}: the holder of the monitors ended at once`);
      child.stdout.destroy();
      child.stderr.destroy();
      child.unref();
      return [{ kind: "end", processes: [record] }];
    },
  };
};
