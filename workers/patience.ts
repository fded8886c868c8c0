/** Waiting for servers that are away, for as long as it takes. */
import { setTimeout as delay } from "node:timers/promises";

const longestPauseMs = 10_000;

/**
 * Repeats `attempt` until it succeeds, with growing pauses. Says once that it waits and why, and once
 * that it waits no more. Rejects when `signal` aborts, and at once when nobody can cure the error.
 */
export async function patiently<Result>(
  what: string,
  signal: AbortSignal,
  log: (line: string) => void,
  attempt: () => Promise<Result>,
): Promise<Result> {
  let said = "";
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const result = await attempt();
      if (said !== "") log(`${what}: it is there again`);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      const words = error instanceof Error ? error.message : String(error);
      if (words !== said) log(`${what}: waiting, as ${words}`);
      said = words;
      await delay(pauseMs, undefined, { signal });
    }
  }
}
