/** The running activity: heartbeats that mean progress, and the wish to end. */
import { Context } from "@temporalio/activity";
import { beaten } from "./standstill.ts";

/** Reports that progress of what this phase waits for was seen. Never called by a timer. */
export const progress = (detail: Readonly<Record<string, number | string>>): void => {
  beaten();
  Context.current().heartbeat(detail);
};

/** Waits for a phase of the trial, or rejects with the cancellation of the activity. */
export const phase = async (durationMs: number): Promise<void> => {
  if (durationMs > 0) await Context.current().sleep(durationMs);
};

/** Runs `work` beside the wish to end: rejects as soon as the activity is cancelled, though `work` goes on. */
export const orCancelled = <T>(work: Promise<T>): Promise<T> =>
  Promise.race([work, Context.current().cancelled]);
