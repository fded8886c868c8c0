/** Reads a failed activity: what the workflow decides by, and the words for the record. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from "@temporalio/workflow";

/**
 * `away`: the store or the whole testbed is; nothing was decided, the act can wait. `unknown`: nobody knows how the act ended.
 * `fenced`: a host or the store has seen a higher token. `harness`: it ended, and it was no measurement.
 * `decided`: the trial has its verdict already; nothing was done.
 */
export interface Fault {
  /** The failed activity's type; null for an error of another kind. */
  readonly act: string | null;
  readonly kind: "away" | "unknown" | "fenced" | "decided" | "harness";
  /** Longhaul's own death ended it: no heartbeat came any more, the worker was told to stop, its store was away. */
  readonly cut: boolean;
  /** The testbed may be in a state that nobody knows: not where Longhaul's own death or input ended the act. */
  readonly leavesDoubt: boolean;
  /** What was asked for cannot be done, and no attempt and no rung of recovery changes that. */
  readonly ofInput: boolean;
  readonly reason: string;
}

const reasonLength = 500;
/** Of a defect of Longhaul or of its input: no rung of recovery cures one. */
const defectTypes = [
  "UsageError",
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "ZodError",
];
const unknownTypes = [
  "NoExitStatus",
  "WorkerDied",
  "WorkerShutdown",
  "ActivityPause",
  "ActivityReset",
];

export function faultOf(error: unknown): Fault {
  const fault = kindOf(error);
  const { kind, cut, type } = fault;
  const hurt = kind === "harness" || kind === "unknown";
  return {
    ...fault,
    leavesDoubt: hurt && !cut && !defectTypes.includes(type),
    ofInput: type === "UsageError",
  };
}

function kindOf(
  error: unknown,
): Omit<Fault, "leavesDoubt" | "ofInput"> & { readonly type: string } {
  const [act, cause] =
    error instanceof ActivityFailure ? [error.activityType, error.cause] : [null, error];
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = `${act === null ? "" : `${act}: `}${message}`.slice(0, reasonLength);
  if (cause instanceof TimeoutFailure) {
    const cut = cause.timeoutType === "HEARTBEAT";
    return {
      act,
      type: "",
      kind: "unknown",
      cut,
      reason: cut ? `${reason} (no heartbeat)` : reason,
    };
  }
  const type = cause instanceof ApplicationFailure ? (cause.type ?? "") : "";
  if (type === "StoreUnavailable" || type === "TestbedAway")
    return { act, type, kind: "away", cut: true, reason };
  if (type === "Decided") return { act, type, kind: "decided", cut: false, reason };
  if (type === "Fenced") return { act, type, kind: "fenced", cut: false, reason };
  if (unknownTypes.includes(type))
    return { act, type, kind: "unknown", cut: type !== "NoExitStatus", reason };
  return { act, type, kind: "harness", cut: false, reason };
}
