/** What all rungs share: their surroundings, the token's right to climb, and the record of what was found. */
import { Context } from "@temporalio/activity";
import type { Hypervisor } from "../../hypervisors/hypervisor.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { GuestSpec } from "../../model/guest.ts";
import type { LadderFacts, StepReport } from "../../model/ladder.ts";
import type { HostName } from "../../model/testbed.ts";
import { routerHostNames } from "../../model/trial-hosts.ts";
import type { Fence } from "../../remote/agent.ts";
import { Fenced, NoExitStatus } from "../../remote/shell.ts";
import { StoreUnavailable } from "../../store/store.ts";
import type { TrialRow } from "../../store/store.ts";
import type { RungAnswer, RungOrder } from "../../workflows/acts.ts";
import { type Bench, TestbedAway, type TrialDeps } from "../deps.ts";
import { cancellationIn } from "../failures.ts";
import { guestOf } from "../guest.ts";
import type { RouterHost } from "../setup.ts";
import { needsOf, takingPart } from "../taking-part.ts";

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
    await deps.store.putRecoveryStep(ref, { id, why, step, hosts, at });
    const start = performance.now();
    const climbed = await climbing(deps, order, climb);
    const report: StepReport = {
      step,
      status: climbed.status,
      hosts: climbed.hosts ?? hosts,
      unreachable: climbed.unreachable ?? [],
      suspects: climbed.suspects ?? [],
    };
    await deps.store.putEvent({
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
        durationMs: Math.round(performance.now() - start),
        startedAt: at,
      },
      at: new Date().toISOString(),
    });
    return { report, words: climbed.words.slice(0, 500), facts: climbed.facts ?? null };
  };

async function climbing(deps: TrialDeps, order: RungOrder, climb: Climb): Promise<Climbed> {
  try {
    return await climb(await setupOf(deps, order));
  } catch (error) {
    if (cancellationIn(error) !== null) throw error;
    // Both are waited for: nothing can be told of a testbed that is being brought up.
    if (error instanceof StoreUnavailable || error instanceof TestbedAway) throw error;
    // A host refuses a token only when it saw a higher one; a boot id also when it was booted meanwhile.
    if (error instanceof Fenced && (await isSuperseded(deps, order))) throw error;
    return { status: "failed", words: error instanceof Error ? error.message : String(error) };
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

export interface Reached {
  readonly fence: Fence;
  readonly unreachable: readonly string[];
}

/**
 * Raises the token on every host that answers, and ends what earlier tokens left running there: the
 * load of the failed attempt, too. A host that does not answer is named, not waited for.
 */
export async function reach({ bench, order, hosts }: RungSetup): Promise<Reached> {
  const { token } = order.ref;
  const bootIds: Record<string, string> = {};
  const unreachable: string[] = [];
  await Promise.all(
    hosts.map(async (name) => {
      try {
        const agent = await bench.hosts.agent(name);
        const { bootId } = await agent.identity();
        const own = { token, bootIds: { [name]: bootId } };
        await agent.raise(own);
        await agent.sweepUnits(own);
        bootIds[name] = bootId;
      } catch (error) {
        if (!(error instanceof NoExitStatus)) throw error;
        unreachable.push(name);
      }
    }),
  );
  return { fence: { token, bootIds }, unreachable: unreachable.sort() };
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
