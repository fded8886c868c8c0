/** What all rungs share: their surroundings, the token's right to climb, and the record of what was found. */
import { Context } from "@temporalio/activity";
import type { Hypervisor } from "../../hypervisors/hypervisor.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { GuestSpec } from "../../model/guest.ts";
import type { LadderFacts, StepReport } from "../../model/ladder.ts";
import type { HostName } from "../../model/testbed.ts";
import { routerHostNames } from "../../model/trial-hosts.ts";
import { Fenced } from "../../remote/shell.ts";
import type { TrialRow } from "../../store/store.ts";
import type { FailedRungOrder, RungAnswer, RungOrder } from "../../workflows/acts.ts";
import type { Bench, TrialDeps } from "../deps.ts";
import { guestOf } from "../guest.ts";
import type { RouterHost } from "../setup.ts";
import { needsOf, takingPart } from "../taking-part.ts";
import { factsOf } from "./facts.ts";
import { endsTheRung, HostFailed, wordsOf } from "./host-failure.ts";

export interface RungSetup {
  readonly deps: TrialDeps;
  readonly order: RungOrder;
  readonly bench: Bench;
  readonly trial: TrialRow;
  readonly campaign: Campaign;
  readonly platform: string;
  readonly driver: Hypervisor;
  readonly guest: GuestSpec;
  /** The routers of every platform of the testbed: one that is left over blocks the wire as well. */
  readonly routers: readonly { readonly driver: Hypervisor; readonly guest: GuestSpec }[];
  /** Where the router was when the trial began. */
  readonly host: RouterHost;
  /** Those that take part: a host in quarantine that the trial can do without is asked nothing. */
  readonly hosts: readonly HostName[];
}

export interface Climbed {
  readonly status: StepReport["status"];
  /** What was found, for people. */
  readonly words: string;
  readonly hosts?: readonly string[];
  readonly unreachable?: readonly string[];
  readonly suspects?: readonly string[];
  readonly facts?: LadderFacts;
  /** Stored with the event; not sent through Temporal. */
  readonly details?: Readonly<Record<string, unknown>>;
}

type Climb = (setup: RungSetup) => Promise<Climbed>;

/**
 * A rung as an act: checked against the highest token, timed, and stored as an event of its own. A
 * failure is an answer, so that the ladder goes on. @throws {Fenced} the token was refused: another
 * holds the testbed. @throws {StoreUnavailable} @throws {TestbedAway}
 */
export const rung =
  (deps: TrialDeps, climb: Climb) =>
  async (order: RungOrder): Promise<RungAnswer> => {
    const { ref, id, why, step, hosts } = order;
    const at = new Date().toISOString();
    if (!(await deps.store.raiseToken(ref.testbed, ref.token))) throw refused(order);
    await deps.store.putRecoveryStep(ref, { id, why, step, hosts });
    const start = performance.now();
    const climbed = await climbing(deps, order, climb);
    return storedRung(deps, order, climbed, { at, durationMs: performance.now() - start });
  };

/** A rung whose act was given up (its time or its tries were spent): it failed, and is stored as such. Idempotent. */
export const failedRung =
  (deps: TrialDeps) =>
  async ({ startedAt, words, ...order }: FailedRungOrder): Promise<RungAnswer> => {
    const facts =
      order.step === "evidence" ? { facts: await factsOf(await setupOf(deps, order)) } : {};
    const durationMs = Date.now() - Date.parse(startedAt);
    return storedRung(
      deps,
      order,
      { status: "failed", words, ...facts },
      { at: startedAt, durationMs },
    );
  };

async function storedRung(
  { store }: TrialDeps,
  { ref, id, step, hosts }: RungOrder,
  climbed: Climbed,
  { at, durationMs }: { readonly at: string; readonly durationMs: number },
): Promise<RungAnswer> {
  const report: StepReport = {
    step,
    status: climbed.status,
    hosts: climbed.hosts ?? hosts,
    unreachable: climbed.unreachable ?? [],
    suspects: climbed.suspects ?? [],
  };
  await store.putEvent({
    key: `${id}#${ref.token} ${step}`,
    testbed: ref.testbed,
    campaign: ref.campaignId,
    trial: ref.trialId,
    attempt: ref.attempt,
    host: report.hosts.length === 1 ? (report.hosts[0] ?? null) : null,
    kind: "rung",
    content: {
      ...climbed.details,
      recovery: id,
      ...report,
      token: ref.token,
      words: climbed.words,
      durationMs: Math.round(durationMs),
      startedAt: at,
    },
    at: new Date().toISOString(),
  });
  return { report, words: climbed.words.slice(0, 500), facts: climbed.facts ?? null };
}

async function climbing(deps: TrialDeps, order: RungOrder, climb: Climb): Promise<Climbed> {
  // What a testbed declares is known even where the rung that should tell it fails.
  let facts: Pick<Climbed, "facts"> = {};
  try {
    const setup = await setupOf(deps, order);
    if (order.step === "evidence") facts = { facts: await factsOf(setup) };
    return { ...facts, ...(await climb(setup)) };
  } catch (error) {
    if (endsTheRung(error) && !(error instanceof Fenced)) throw error;
    // A host refuses a token only when it saw a higher one; a boot id also when it was booted meanwhile.
    if (error instanceof Fenced && (await isSuperseded(deps, order))) throw error;
    const suspects = error instanceof HostFailed ? [error.host] : [];
    return { status: "failed", words: wordsOf(error), suspects, ...facts };
  }
}

async function setupOf(deps: TrialDeps, order: RungOrder): Promise<RungSetup> {
  const { ref } = order;
  const [trial, campaign, bench] = await Promise.all([
    deps.store.trial(ref.trialId),
    deps.store.campaign(ref.campaignId),
    deps.bench(ref.testbed),
  ]);
  if (trial === null) throw new Error(`the store has no trial ${ref.trialId}`);
  if (campaign === null) throw new Error(`the store has no campaign ${ref.campaignId}`);
  const { platform, direction } = trial.scenario;
  const routers = Object.values(bench.drivers).map((driver) => ({
    driver,
    guest: guestOf(bench.testbed, campaign.content.guest, driver.name),
  }));
  const own = routers.find(({ driver }) => driver.name === platform);
  if (own === undefined) throw new Error(`testbed ${ref.testbed} has no driver for ${platform}`);
  const host = trial.kind === "migration" && direction === "R2toR1" ? "R2" : "R1";
  const needs = needsOf(trial, campaign.content);
  const hosts = await takingPart(deps.store, ref.testbed, needs);
  const surroundings = { deps, order, bench, trial, campaign: campaign.content };
  return { ...surroundings, platform, ...own, routers, host, hosts };
}

async function isSuperseded({ store }: TrialDeps, { ref }: RungOrder): Promise<boolean> {
  const testbed = await store.testbed(ref.testbed);
  return testbed !== null && testbed.token > ref.token;
}

const refused = ({ ref }: RungOrder): Fenced =>
  new Fenced(`testbed ${ref.testbed} has seen a higher token than ${ref.token}: it is another's`);

/** Acts from outside a host (its power) cannot ask its agent: the highest token is read just before. @throws {Fenced} */
export async function stillOurs({ deps, order }: RungSetup): Promise<void> {
  if (await isSuperseded(deps, order)) throw refused(order);
}

/** The boot ids that the failed attempt was prepared on, as far as its `prepare` came. */
export async function bootIdsBefore({ deps, order }: RungSetup): Promise<Record<string, string>> {
  const attempts = await deps.store.attempts(order.ref.trialId);
  return { ...attempts.findLast(({ attempt }) => attempt <= order.ref.attempt)?.bootIds };
}

/** Polls until it holds. @returns false when it did not within the deadline. */
export async function within(deadlineMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    if (await holds()) return true;
    if (performance.now() > end) return false;
    await Context.current().sleep(pollMs);
  }
}
const pollMs = 250;

/** R1 and R2, but for one that takes no part: it was proven to carry no router when it was given up. */
export const routerHosts = ({ hosts }: Pick<RungSetup, "hosts">) =>
  routerHostNames.filter((name) => hosts.includes(name));

/** `R1, R2`; `no host`. */
export const names = (hosts: readonly string[]): string =>
  hosts.length === 0 ? "no host" : hosts.join(", ");
