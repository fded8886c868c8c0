/** Hosts that need not be waited for, because they have no power. */
import { ApplicationFailure } from "@temporalio/common";
import { hostNames } from "../model/testbed.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { Bench } from "./deps.ts";

/** By the read-back of its power; false where that cannot be read. */
export async function isOff({ power }: Bench, host: string): Promise<boolean> {
  try {
    return (await power.state(host)) === "off";
  } catch {
    // A host whose power nobody controls is only known to be silent, which is what the caller had found.
    return false;
  }
}

/**
 * Runs an act on the hosts. Where it fails because one of them has no power, the failure says so, and
 * is final: another try would find the same, and the ladder of recovery is what helps.
 */
export async function unlessWithoutPower<Result>(
  bench: Bench,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof NoExitStatus)) throw error;
    const states = await Promise.all(
      hostNames.map(async (host) => ((await isOff(bench, host)) ? [host] : [])),
    );
    const off = states.flat();
    if (off.length === 0) throw error;
    throw ApplicationFailure.create({
      message: `${off.join(", ")}: without power: ${error.message}`,
      type: error.name,
      nonRetryable: true,
      cause: error,
    });
  }
}
