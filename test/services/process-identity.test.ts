import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { threadStates } from "../../lab/faults/stop.ts";
import { isAlive as isAliveInLab, processRecord, processesMarked } from "../../lab/processes.ts";
import { endProcess, gone, identityOf, isAlive } from "../../services/process-identity.ts";
import { zombie } from "./zombie.ts";

const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];

test("a process that has ended but is never reaped counts as ended everywhere", async () => {
  const { pid, end } = await zombie();
  const identity = identityOf(pid);
  const record = processRecord(pid);
  if (identity === null || record === null) throw new Error("it ended before it was looked at");
  expect(isAlive(identity) && isAliveInLab(record)).toBe(true);

  end();
  expect(await gone(identity, 5000)).toBe(true);
  expect(stateOf(pid)).toBe("Z");
  expect(isAlive(identity)).toBe(false);
  expect(isAliveInLab(record)).toBe(false);
  expect(processRecord(pid)).toBeNull();
  expect(processesMarked("PATH=").some((one) => one.pid === pid)).toBe(false);
  expect(threadStates(pid)).toBe("");
  expect(await endProcess(identity, "SIGTERM", 100)).toBe("gone before");
});

test("the node agent counts it as ended, too, and finds it in no unit", async () => {
  const { pid, end } = await zombie();
  const identity = identityOf(pid);
  if (identity === null) throw new Error("it ended before it was looked at");
  end();
  await gone(identity, 5000);
  const program = `
import sys
sys.path.insert(0, sys.argv[1])
from agent import processes
pid = int(sys.argv[2])
state, parent, group, session, started = processes.stat(pid)
print(state, processes.alive(pid, started), pid in processes.everyone(), pid in processes.members(group, 0, "x"))`;
  const probes = join(import.meta.dirname, "../../probes");
  const said = execFileSync("python3", ["-c", program, probes, String(pid)], { encoding: "utf8" });
  expect(said.trim()).toBe("Z False False False");
});
