/**
 * Whether a measurement stands still in a worker that lives: then it is the measurement that Temporal
 * hears no heartbeat of, and not Longhaul that died.
 */
import { Context } from "@temporalio/activity";
import type { AttemptRef } from "../model/trial.ts";

/** A process that did nothing at all for so long was stopped itself, or its machine was. */
const ownStopMs = 5000;
const tickMs = 1000;

interface Watched {
  readonly boundMs: number;
  beatMs: number;
}

const byAttempt = new Map<string, Watched>();
const byRun = new WeakMap<Context, Watched>();
const keyOf = ({ trialId, attempt }: AttemptRef) => `${trialId}#${attempt}`;

/** Runs a measurement, and notes when it last showed progress. */
export async function watched<Result>(
  ref: AttemptRef,
  measure: () => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  const run = { boundMs: context.info.heartbeatTimeoutMs ?? Infinity, beatMs: performance.now() };
  byAttempt.set(keyOf(ref), run);
  byRun.set(context, run);
  let tickedMs = performance.now();
  const tick = setInterval(() => {
    const nowMs = performance.now();
    if (nowMs - tickedMs > ownStopMs) run.beatMs = nowMs;
    tickedMs = nowMs;
  }, tickMs);
  try {
    return await measure();
  } finally {
    clearInterval(tick);
    if (byAttempt.get(keyOf(ref)) === run) byAttempt.delete(keyOf(ref));
  }
}

/** The running act has shown progress. */
export function beaten(): void {
  const run = byRun.get(Context.current());
  if (run !== undefined) run.beatMs = performance.now();
}

/** False also of a measurement that another process runs, or ran. */
export function standsStill(ref: AttemptRef): boolean {
  const run = byAttempt.get(keyOf(ref));
  return run !== undefined && performance.now() - run.beatMs >= run.boundMs;
}
