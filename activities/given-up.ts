import { CancelledFailure } from "@temporalio/activity";
import type { Fence } from "../remote/agent.ts";
import { Fenced, NoExitStatus } from "../remote/shell.ts";
import type { Setup } from "./setup.ts";
import { stopUnits } from "./stop-units.ts";

/**
 * After a measurement broke off. Where its units may still finish it without us (a lost connection, a
 * worker told to stop) they are left to `collect`; otherwise load and probes are ended here and now.
 * Never throws: `restore` repeats it and tells.
 */
export async function givenUp(setup: Setup, fence: Fence, error: unknown): Promise<void> {
  const leftToCollect =
    error instanceof NoExitStatus ||
    error instanceof Fenced ||
    (error instanceof CancelledFailure && error.message === "WORKER_SHUTDOWN");
  if (!leftToCollect) await Promise.allSettled([stopUnits(setup, fence)]);
}
