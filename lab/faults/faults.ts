/** Faults of a lab that is up: made, listed, undone. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { factsOf, type FaultInjector, type FaultOrder, type MadeFault } from "../../model/fault.ts";
import { UsageError } from "../../model/usage-error.ts";
import { labMark } from "../namespace-host.ts";
import { readLab, type LabState } from "../records.ts";
import { forgetFault, madeFault, readFaults, writeFault, type FaultRecord } from "./records.ts";
import { faultTable } from "./table.ts";
import { undoFault } from "./undo.ts";

/**
 * Makes a fault real. Its record, with what undoes it, is on disk before; with `forMs` a process of
 * its own undoes it in time, whoever dies meanwhile. @throws {UsageError} @throws {Error} it could not be made
 */
export const makeFault = async (
  state: LabState,
  order: FaultOrder,
  trial: string | null = null,
): Promise<MadeFault> => {
  const lab = readLab(state);
  if (lab?.status !== "up") throw new Error(`${state.path}: no lab is up that a fault could hit`);
  const facts = factsOf(order.fault);
  if (order.forMs !== null && !facts.undoable)
    throw new UsageError(`${order.fault} cannot be undone, so it takes no time to last`);
  const ready = await faultTable[order.fault]({ state, lab, order });
  const id = `${order.fault}-${Date.now().toString(36)}-${process.pid}`;
  const draft: FaultRecord = {
    id,
    fault: order.fault,
    host: ready.host,
    detail: ready.detail,
    at: new Date().toISOString(),
    untilAt: untilOf(order),
    undoable: facts.undoable,
    trial,
    undo: ready.undo,
  };
  writeFault(state, draft);
  const more = await ready.make().catch(async (cause: unknown) => {
    await undoFault(state, draft);
    throw new Error(`${order.fault}: ${draft.detail}: this could not be made`, { cause });
  });
  const record: FaultRecord = {
    ...draft,
    at: new Date().toISOString(),
    untilAt: untilOf(order),
    undo: [...draft.undo, ...more],
  };
  if (!facts.undoable) forgetFault(state, id);
  // On a full disk the draft must do.
  else if (facts.at !== "state") writeFault(state, record);
  if (record.untilAt !== null) undoLater(state, id);
  return madeFault(record);
};

const untilOf = ({ forMs }: FaultOrder): string | null =>
  forMs === null ? null : new Date(Date.now() + forMs).toISOString();

/** Carries the lab's mark: whoever takes the lab down ends it, too. */
const undoLater = (state: LabState, id: string): void => {
  const [mark = "", labId = ""] = labMark(state).split("=");
  const program = join(import.meta.dirname, "undo-later.ts");
  spawn(process.execPath, [program, JSON.stringify(state), id], {
    cwd: "/",
    env: { PATH: process.env.PATH, [mark]: labId },
    detached: true,
    stdio: "ignore",
  }).unref();
};

export const activeFaults = (state: LabState): readonly MadeFault[] =>
  readFaults(state).map(madeFault);

/** The newest first: each finds the lab as it was when it was made. Idempotent. */
export const clearFaults = async (
  state: LabState,
  which: (made: MadeFault) => boolean = () => true,
): Promise<readonly MadeFault[]> => {
  const records = readFaults(state).toReversed().filter(which);
  for (const record of records) await undoFault(state, record);
  return records.map(madeFault);
};

/** For campaigns on this lab. */
export const faultInjector = (state: LabState): FaultInjector => ({
  inject: (order, trial) => makeFault(state, order, trial),
  clear: (until) =>
    clearFaults(
      state,
      ({ trial, fault }) =>
        trial !== null && (until === "prepare" || factsOf(fault).until === "restore"),
    ),
});
