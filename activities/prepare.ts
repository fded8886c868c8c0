import { ApplicationFailure } from "@temporalio/common";
import { decidedWords } from "../model/skip.ts";
import type { HostName } from "../model/testbed.ts";
import type { AttemptRef } from "../model/trial.ts";
import type { Fence, HostIdentity } from "../remote/agent.ts";
import { Fenced } from "../remote/shell.ts";
import { bootedFor } from "./boot-profile.ts";
import type { Bench, TrialDeps } from "./deps.ts";
import { guestOf } from "./guest.ts";
import { part } from "./parts.ts";
import { clearFaults } from "./planned-fault.ts";
import { progress } from "./progress.ts";
import { provenanceOf } from "./provenance.ts";
import { allEnded, ensureRouter } from "./router.ts";
import type { Setup } from "./setup.ts";
import { migrationOf, setupOf } from "./setup.ts";
import { needsOf, takingPart } from "./taking-part.ts";

/**
 * Brings the testbed to the state that the trial begins in: the attempt opened, its token raised on
 * every host that takes part, no unit of an earlier attempt left, one router where the trial begins and answering, the
 * destination of a migration waiting, settings read back and stored.
 * @throws {Fenced} a higher token was seen: this attempt has no right to the testbed.
 */
export async function prepare(deps: TrialDeps, ref: AttemptRef): Promise<void> {
  if (!(await deps.store.openAttempt(ref))) throw await refusal(deps, ref);
  try {
    await prepareOpened(deps, ref);
  } catch (error) {
    throw error instanceof Fenced && (await isStillOurs(deps, ref))
      ? bootedMeanwhile(error)
      : error;
  }
}

/** A host refuses another boot id as it refuses a lower token: only the latter means that the testbed is another's. */
async function isStillOurs({ store }: TrialDeps, ref: AttemptRef): Promise<boolean> {
  const testbed = await store.testbed(ref.testbed);
  return testbed !== null && testbed.token <= ref.token;
}

/** Worth another try, which finds the host's new boot. */
const bootedMeanwhile = (cause: Fenced): Error =>
  new Error(`a host was booted while the testbed was prepared: ${cause.message}`, { cause });

async function prepareOpened(deps: TrialDeps, ref: AttemptRef): Promise<void> {
  const setup = await setupOf(deps, ref);
  progress({ preparing: "hosts" });
  await clearFaults(deps, setup, "prepare");
  const needs = needsOf(setup.trial, setup.campaign);
  const hosts = await takingPart(deps.store, ref.testbed, needs);
  await part("boot profile", () => bootedFor(setup.bench, setup.trial.scenario.platform, hosts));
  const { fence, identities } = await part("hosts", () => takeHosts(setup.bench, ref.token, hosts));
  await deps.store.setBootIds(ref, fence.bootIds);
  progress({ preparing: "router" });
  await allEnded([
    // It loads for longer than all else takes here: `measure` waits for it, beside what comes before the load.
    setup.bench.generator.load(fence, setup.unit("load"), setup.stream),
    placeRouter(setup, fence, async (router) => {
      const provenance = await part("provenance", () =>
        provenanceOf(deps, setup, fence, { identities, router }),
      );
      await deps.store.putProvenance(ref, provenance);
    }),
  ]);
}

/** Why the attempt may not begin: the trial was decided meanwhile (a person skipped it), or another holds the testbed. */
async function refusal({ store }: TrialDeps, ref: AttemptRef): Promise<Error> {
  const trial = await store.trial(ref.trialId);
  if (trial !== null && trial.state !== "pending" && trial.state !== "running")
    return ApplicationFailure.nonRetryable(
      `${ref.trialId} has its verdict: ${decidedWords(trial)}`,
      "Decided",
    );
  return new Fenced(
    `${ref.trialId}: attempt ${ref.attempt} with token ${ref.token} may not begin: testbed ${ref.testbed} has seen a higher token`,
  );
}

/** Raises the token on these hosts and ends what earlier tokens left running there. Idempotent. */
export async function takeHosts(
  bench: Bench,
  token: number,
  hosts: readonly HostName[],
): Promise<{ fence: Fence; identities: readonly HostIdentity[] }> {
  const agents = await Promise.all(hosts.map((name) => bench.hosts.agent(name)));
  const identities = await Promise.all(agents.map((agent) => agent.identity()));
  const bootIds = Object.fromEntries(identities.map(({ host, bootId }) => [host, bootId]));
  const fence = { token, bootIds };
  await Promise.all(
    // A host does what it is asked in that order: the sweep need not wait for the answer.
    agents.map((agent) => Promise.all([agent.raise(fence), agent.sweepUnits(fence)])),
  );
  return { fence, identities };
}

/** While the router is asked whether it answers, all that does not need the answer is made ready. */
async function placeRouter(
  setup: Setup,
  fence: Fence,
  describe: (router: "kept" | "created") => Promise<void>,
): Promise<void> {
  const { bench, campaign, trial, host } = setup;
  const destination = async () => {
    if (trial.kind === "forwarding") return;
    progress({ preparing: "destination", deadlineMs: campaign.migrationDeadlineMs });
    const { driver, order } = migrationOf(setup);
    await part("destination", () => driver.prepareMigration(fence, order));
  };
  await ensureRouter(bench, fence, {
    platform: trial.scenario.platform,
    host,
    guests: guestsOf(setup),
    unit: setup.unit("answer"),
    beside: (router) => allEnded([describe(router), destination()]),
  });
}

const guestsOf = ({ bench, campaign }: Setup) =>
  Object.fromEntries(
    Object.keys(bench.drivers).map((platform) => [
      platform,
      guestOf(bench.testbed, campaign.guest, platform),
    ]),
  );
