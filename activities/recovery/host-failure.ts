/** Whose failure it was: a rung that fails at one host leaves the healthy ones alone. */
import { Fenced } from "../../remote/shell.ts";
import { StoreUnavailable } from "../../store/store.ts";
import { TestbedAway } from "../deps.ts";
import { cancellationIn } from "../failures.ts";
import type { Climbed } from "./rung.ts";

/** A cancel, a refused token; a store or a testbed that is away is waited for: nothing can be told of one that is being brought up. */
export const endsTheRung = (error: unknown): boolean =>
  cancellationIn(error) !== null ||
  error instanceof StoreUnavailable ||
  error instanceof TestbedAway ||
  error instanceof Fenced;

export const wordsOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** What was done to this host failed: the ladder goes on with it, and leaves the healthy ones alone. */
export class HostFailed extends Error {
  override readonly name = "HostFailed";
  readonly host: string;
  constructor(host: string, cause: unknown) {
    super(`${host}: ${wordsOf(cause)}`, { cause });
    this.host = host;
  }
}

/** @throws {HostFailed} for any failure that is this host's own. */
export async function on<Result>(host: string, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (endsTheRung(error)) throw error;
    throw new HostFailed(host, error);
  }
}

/** A repair of one host that did not help. */
interface NotRepaired {
  readonly host: string;
  readonly words: string;
}

/** `repair` gives null or why it did not help; what it throws is that host's failure, and no other's. */
export async function repaired(
  host: string,
  repair: (host: string) => Promise<string | null>,
): Promise<NotRepaired | null> {
  try {
    const words = await repair(host);
    return words === null ? null : { host, words };
  } catch (error) {
    if (endsTheRung(error)) throw error;
    return { host, words: `${host}: ${wordsOf(error)}` };
  }
}

/** `verified` with these words where every repair helped; otherwise the hosts to blame. */
export function repairedAll(found: readonly (NotRepaired | null)[], words: string): Climbed {
  const failures = found.filter((one) => one !== null);
  if (failures.length === 0) return { status: "verified", words };
  const suspects = failures.map(({ host }) => host);
  return { status: "failed", words: failures.map((one) => one.words).join("; "), suspects };
}
