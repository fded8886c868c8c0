/** Undoes faults from their records. Every step may be repeated, and forgives what is gone meanwhile. */
import { rmSync } from "node:fs";
import { hostPower } from "../host-power.ts";
import { inside } from "../namespace-host.ts";
import { isAlive, killAll, until } from "../processes.ts";
import { readLab, wires, type LabState } from "../records.ts";
import type { Undo } from "./fault.ts";
import { askGuest, askMonitor, qemusOf, runState } from "./qemu.ts";
import { forgetFault, type FaultRecord } from "./records.ts";
import { continueProcesses } from "./stop.ts";

/** The record goes last: what could not be undone is tried again. @throws {Error} */
export const undoFault = async (state: LabState, record: FaultRecord): Promise<void> => {
  for (const step of record.undo.toReversed()) await undoStep(state, step);
  forgetFault(state, record.id);
};

const undoStep = async (state: LabState, step: Undo): Promise<void> => {
  const lab = readLab(state);
  switch (step.kind) {
    case "continue":
      return continueProcesses(step.processes);
    case "end":
      killAll(step.processes);
      return until("the end of a fault's process", () => !step.processes.some(isAlive), 5_000);
    case "wires": {
      const host = lab?.hosts[wires];
      if (host && isAlive(host)) await inside(host, ["net"], step.argv);
      return;
    }
    case "guest":
      if (lab)
        for (const qemu of qemusOf(lab)) await unlessSilent(askGuest(qemu, step.script, 5_000));
      return;
    case "resume": {
      const { pid, startTicks } = step.qemu;
      const qemu = (lab ? qemusOf(lab) : []).find(
        (one) => one.pid === pid && one.startTicks === startTicks,
      );
      if (qemu && (await runState(qemu)) === "paused")
        await unlessSilent(askMonitor(qemu, [{ execute: "cont" }], { timeoutMs: 2_000 }));
      return;
    }
    case "power-on":
      if (lab) await hostPower(state).on(step.host);
      return;
    case "remove":
      rmSync(step.path, { force: true });
      return;
  }
};

/** A guest that does not answer has nothing of the fault left that could be undone. */
const unlessSilent = async (asked: Promise<unknown>): Promise<void> => {
  await asked.catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== "Silence") throw error;
  });
};
