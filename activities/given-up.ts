import { CancelledFailure } from "@temporalio/activity";
import type { Fence } from "../remote/agent.ts";
import { Fenced, NoExitStatus } from "../remote/shell.ts";
import { StoreUnavailable } from "../store/store.ts";
import type { Setup } from "./setup.ts";
import { stopUnits } from "./stop-units.ts";

/**
 * After a measurement broke off. Where its units may still finish it without us they are left to
 * `collect`: a lost connection, a store that is away, a worker told to stop, a run that Temporal gave up
 * (its timers fire at a server's restart; a new server knows nothing of it). What the campaign itself
 * cancels, and what failed, is ended here and now. Never throws: `restore` repeats it and tells.
 */
export async function givenUp(setup: Setup, fence: Fence, error: unknown): Promise<void> {
  const leftToCollect =
    error instanceof NoExitStatus ||
    error instanceof Fenced ||
    error instanceof StoreUnavailable ||
    (error instanceof CancelledFailure && error.message !== "CANCELLED");
  if (!leftToCollect) await Promise.allSettled([stopUnits(setup, fence)]);
}
