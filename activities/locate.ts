import type { GuestState, RouterLocation } from "../model/guest.ts";
import type { AttemptRef } from "../model/trial.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import { routerLocation } from "./location.ts";
import { part } from "./parts.ts";
import type { Setup } from "./setup.ts";
import { setupOf } from "./setup.ts";

/** Asks both hosts now and stores the answer. Changes nothing on them. */
export async function locate(
  deps: TrialDeps,
  ref: AttemptRef,
): Promise<{ location: RouterLocation }> {
  const setup = await setupOf(deps, ref);
  const { source, destination } = await part("ask both hosts", () => bothStates(setup));
  const location = routerLocation(source, destination);
  await deps.store.setLocation(ref, location);
  return { location };
}

/** What each host says of the router; null: it does not tell. `source` is where the trial began. */
export async function bothStates(setup: Setup): Promise<{
  source: GuestState | null;
  destination: GuestState | null;
}> {
  const { driver, guest, host } = setup;
  const ask = async (one: string): Promise<GuestState | null> => {
    try {
      return await driver.inspect(one, guest);
    } catch (error) {
      if (error instanceof NoExitStatus) return null;
      throw error;
    }
  };
  const [source, destination] = await Promise.all([ask(host), ask(host === "R1" ? "R2" : "R1")]);
  return { source, destination };
}
