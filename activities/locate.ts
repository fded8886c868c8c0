import type { GuestState, RouterLocation } from "../model/guest.ts";
import type { AttemptRef } from "../model/trial.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import { routerLocation } from "./location.ts";
import { part } from "./parts.ts";
import { phase } from "./progress.ts";
import type { RouterHost, Setup } from "./setup.ts";
import { setupOf } from "./setup.ts";
import { within } from "./watch-evidence.ts";

/** Where a router settles. Anything else may be on its way there: it is looked at again, never acted on. */
const settled: readonly RouterLocation[] = ["source", "destination", "neither"];
/** Right after its end a destination may still be `incoming` for a moment, and a busy host silent for longer. */
const lookAgainMs = [250, 500, 1000, 2000, 4000];
/** A host that has power and answers nobody holds up each question: so long for one, and for all looks but the last. */
const answerMs = 20_000;
const lookingMs = 60_000;

/**
 * Asks both hosts, again and again for a bounded time while the answer is none that lasts, and stores
 * the last answer with what each host said. Changes nothing on them, and never sends anything again.
 */
export async function locate(
  deps: TrialDeps,
  ref: AttemptRef,
  pausesMs: readonly number[] = lookAgainMs,
  longestMs = lookingMs,
): Promise<{ location: RouterLocation }> {
  const setup = await setupOf(deps, ref);
  const looks = await part("ask both hosts", () => untilSettled(setup, pausesMs, longestMs));
  const location = looks.at(-1)?.location ?? "unknown";
  await deps.store.setLocation(ref, location);
  if (looks.length > 1 || (location !== "source" && location !== "destination"))
    await deps.store.putEvent({
      key: `${ref.trialId}#${ref.attempt} located`,
      testbed: ref.testbed,
      campaign: ref.campaignId,
      trial: ref.trialId,
      attempt: ref.attempt,
      host: null,
      kind: "located",
      content: { looks },
      at: new Date().toISOString(),
    });
  return { location };
}

interface Look {
  readonly source: GuestState | null;
  readonly destination: GuestState | null;
  readonly location: RouterLocation;
}

async function untilSettled(
  setup: Setup,
  pausesMs: readonly number[],
  longestMs: number,
): Promise<readonly Look[]> {
  const looks: Look[] = [];
  const endMs = performance.now() + longestMs;
  for (const pauseMs of [0, ...pausesMs]) {
    await phase(pauseMs);
    const states = await bothStates(setup);
    const location = routerLocation(states.source, states.destination);
    looks.push({ ...states, location });
    if (settled.includes(location) || performance.now() > endMs) break;
  }
  return looks;
}

/** What each host says of the router; null: it does not tell. `source` is where the trial began. */
export async function bothStates(setup: Setup): Promise<{
  source: GuestState | null;
  destination: GuestState | null;
}> {
  const { host } = setup;
  const [source, destination] = await Promise.all([
    stateOn(setup, host),
    stateOn(setup, host === "R1" ? "R2" : "R1"),
  ]);
  return { source, destination };
}

/** null: the host does not tell. */
export async function stateOn(
  { driver, guest }: Setup,
  host: RouterHost,
): Promise<GuestState | null> {
  try {
    return await within(driver.inspect(host, guest), answerMs, host);
  } catch (error) {
    if (error instanceof NoExitStatus) return null;
    throw error;
  }
}
