/** Waiting for servers that are away, for as long as it takes. */
import { setTimeout as delay } from "node:timers/promises";
import { UsageError } from "../model/usage-error.ts";

const longestPauseMs = 10_000;

/** To whom a wait is told. */
export interface Waiting {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** null: it waits for this no more. `isFinal`: only a person can end the wait. */
  readonly tell: (what: string, waitsFor: { words: string; isFinal: boolean } | null) => void;
}

/**
 * Repeats `attempt` until it succeeds, with growing pauses. Says once that it waits and why, and once
 * that it waits no more. Rejects when `signal` aborts.
 */
export async function patiently<Result>(
  what: string,
  { signal, log, tell }: Waiting,
  attempt: () => Promise<Result>,
): Promise<Result> {
  let said = "";
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      const result = await attempt();
      if (said !== "") {
        log(`${what}: it is there again`);
        tell(what, null);
      }
      return result;
    } catch (error) {
      signal.throwIfAborted();
      const words = error instanceof Error ? error.message : String(error);
      if (words !== said) {
        log(`${what}: waiting, as ${words}`);
        tell(what, { words: `${what}: ${words}`, isFinal: error instanceof UsageError });
      }
      said = words;
      await delay(pauseMs, undefined, { signal });
    }
  }
}
