/** The campaign's elements, one after another, under the epoch that its lock granted. */
import {
  ChildWorkflowCancellationType,
  isCancellation,
  log,
  ParentClosePolicy,
  patched,
  sleep,
  startChild,
  workflowInfo,
} from "@temporalio/workflow";
import { mostAttempts } from "../model/attempts.ts";
import { goesOnWords, mostSteps, quarantineWords } from "../model/ladder.ts";
import type { Quarantine } from "../model/ladder.ts";
import { heldWords } from "../model/search-attributes.ts";
import { token } from "../model/tokens.ts";
import type { Element } from "./acts.ts";
import type { ControlDesk } from "./campaign-control.ts";
import type { CampaignInput } from "./campaign.ts";
import { elementPlan, elementSummary } from "./details.ts";
import type { ElementInput, ElementResult } from "./element.ts";
import { faultOf } from "./faults.ts";
import { forwardingSweep } from "./forwarding-sweep.ts";
import { hold, skipTrial } from "./messages.ts";
import { migrationTrial } from "./migration-trial.ts";
import { patiently } from "./patience.ts";
import { act } from "./policies.ts";
import { recover } from "./recover.ts";
import { attributes } from "./search.ts";

export interface Carried {
  /** null: it was superseded, or the workflow that had it was lost; one above all that the store has seen is asked for. */
  readonly epoch: number | null;
  /** The first number of a token that was not used yet under this epoch. */
  readonly nextNumber: number;
  readonly paused: boolean;
  /** Elements in a row that ended without verdicts for their trials. */
  readonly setbacks: number;
  /** What it waits for, where it waits; a Longhaul before 0.2 carried nothing of it. */
  readonly wait?: { readonly for: "person" | "testbed"; readonly reason: string } | null;
  /** Hosts in quarantine when they were last looked at; absent: none were. */
  readonly givenUp?: readonly string[];
  /** Why the testbed's health must be proven before the next measurement; absent: it need not be. */
  readonly healthDue?: string | null;
}

/** Elements read from the plan at a time. */
const sliceLength = 10;
/** The ledger in the details is read at most this often. */
const ledgerAgeMs = 10_000;
/** So many setbacks in a row call for a person. */
const setbackLimit = 5;

/** null: every trial has its verdict. Otherwise what the campaign continues as new with. */
export async function measureAll(
  input: CampaignInput,
  desk: ControlDesk,
  carried: Carried,
): Promise<Carried | null> {
  const { campaignId, testbed } = input;
  let { epoch, nextNumber, setbacks, givenUp = [], healthDue = null } = carried;
  let waitsFor = carried.wait?.for ?? null;
  await desk.refresh(ledgerAgeMs);
  if (epoch !== null) await resolveCapacities(epoch);
  // A campaign that was begun anew, or whose epoch was taken from it as it continued as new.
  let takesUp = epoch === null && patched("take up what was left");
  for (;;) {
    if (workflowInfo().continueAsNewSuggested) return carriedOn();
    epoch ??= await renewedEpoch();
    if (epoch === null) continue;
    const releases = desk.releases();
    const quarantined = await act("quarantines", { summary: "read the quarantine" })(testbed);
    const changed = changeWords(givenUp, quarantined);
    if (changed !== null) {
      healthDue = changed;
      givenUp = quarantined.map(({ host }) => host);
      await resolveCapacities(epoch);
    }
    // A host in quarantine is a person's: what was cut waits for it, too.
    if (takesUp && !(quarantined.length > 0 && (await isWorkLeft()))) {
      desk.step("taking up what was left");
      await desk.untilRunning();
      takesUp = await isCutShort(epoch);
      if (takesUp) epoch = null;
      else await resolveCapacities(epoch);
      continue;
    }
    desk.step("reading the plan");
    const extensions = desk.plan.extensions();
    const elements = await act("nextElements", { summary: "read the plan" })(
      campaignId,
      // One at a time while a host is away: it may come back.
      quarantined.length === 0 ? sliceLength : 1,
      quarantined.map(({ host, isolated = false }) => ({ host, isolated })),
    );
    if (elements.length === 0) {
      if (quarantined.length > 0 && (await isWorkLeft())) {
        await desk.waitForPerson(quarantineWords(quarantined), releases);
        continue;
      }
      if (!(await desk.plan.isWhole(extensions))) continue;
      desk.close();
      return null;
    }
    await desk.goOnWithout(quarantined.length === 0 ? null : goesOnWords(quarantined));
    for (const read of elements) {
      await desk.untilRunning();
      waitsFor = null;
      const element = {
        ...read,
        trials: read.trials.filter(({ trialId }) => !desk.plan.isSkipped(trialId)),
      };
      if (element.trials.length === 0) continue;
      if (workflowInfo().continueAsNewSuggested) break;
      const end = await runElement(input, desk, element, { epoch, nextNumber, healthDue });
      nextNumber = end.nextNumber;
      await desk.refresh(ledgerAgeMs);
      if (end.status === "measured") {
        setbacks = 0;
        healthDue = null;
      } else {
        if (end.status === "superseded") epoch = null;
        if (end.status === "exhausted") healthDue = `${element.id}: ${end.reason}`;
        // Its hosts are in quarantine now, which the next round finds.
        if (end.status !== "exhausted") await setback(end.reason);
        break;
      }
    }
  }

  function carriedOn(): Carried {
    const reason = desk.waitsBecause();
    const wait = waitsFor === null || reason === null ? null : { for: waitsFor, reason };
    return { ...carried, epoch, nextNumber, setbacks, wait, givenUp, healthDue };
  }

  /** Ends the recoveries that were under way when this campaign's workflow was lost. True: superseded. */
  async function isCutShort(under: number): Promise<boolean> {
    const left = await act("leftRecoveries", { summary: "was a recovery cut?" })(campaignId);
    for (const { trialId, attempt, name, why, ...brief } of left) {
      desk.step(`recovering after \`${trialId}\``);
      const ref = { campaignId, testbed, trialId, attempt };
      const end = await recover(ref, brief, { name, why, epoch: under, nextNumber });
      nextNumber = end.nextNumber;
      if (end.status === "superseded") return true;
    }
    return false;
  }

  async function isWorkLeft(): Promise<boolean> {
    const left = await act("nextElements", { summary: "is anything left?" })(campaignId, 1);
    return left.length > 0;
  }

  async function resolveCapacities(under: number): Promise<void> {
    for (const open of await act("openCapacities", { summary: "which loads need a capacity?" })(
      campaignId,
    )) {
      const what = `capacity of ${open.platform} at ${open.frameSizeBytes} B`;
      desk.step(`finding the ${what}`);
      try {
        const { platform, frameSizeBytes } = open;
        const order = {
          campaignId,
          testbed,
          platform,
          frameSizeBytes,
          token: token(under, nextNumber++),
        };
        await patiently(() => act("resolveCapacity", { summary: what })(order));
      } catch (error) {
        if (isCancellation(error)) throw error;
        // Its trials are tried all the same: each says for itself that its load is unknown.
        log.warn(`no ${what}`, { reason: faultOf(error).reason });
      }
    }
  }

  async function renewedEpoch(): Promise<number | null> {
    desk.step(`taking the testbed ${testbed} again`);
    const lock = await act("acquireTestbed", { summary: `take ${testbed} again` })(
      campaignId,
      testbed,
      true,
      true,
    );
    if (lock.status === "granted") {
      nextNumber = 1;
      if (waitsFor !== "person") await desk.goOn();
      return lock.epoch;
    }
    waitsFor = "testbed";
    await desk.wait(heldWords(testbed, lock.heldBy));
    await sleep("1m", { summary: `waiting for ${lock.heldBy}` });
    return null;
  }

  async function setback(reason: string | null): Promise<void> {
    setbacks += 1;
    log.warn("an element ended without verdicts", { reason, setbacks });
    if (setbacks >= setbackLimit) {
      if (patched("a person ends the wait after setbacks")) waitsFor = "person";
      await desk.wait(`${setbacks} elements in a row ended without verdicts; the last: ${reason}`);
      setbacks = 0;
      healthDue ??= `it waited after elements that ended without verdicts; the last: ${reason}`;
    } else await sleep(1000 * 4 ** setbacks, { summary: "pause after a setback" });
  }
}

/** null: the same hosts as before. Otherwise why the testbed is not the one that was measured on. */
function changeWords(before: readonly string[], now: readonly Quarantine[]): string | null {
  const gone = now.map(({ host }) => host).filter((host) => !before.includes(host));
  const back = before.filter((host) => !now.some((one) => one.host === host));
  const said = [
    ...(gone.length === 0 ? [] : [`${gone.join(", ")} in quarantine`]),
    ...(back.length === 0 ? [] : [`${back.join(", ")} released from quarantine`]),
  ];
  return said.length === 0
    ? null
    : `${said.join("; ")}: health must be proven before the next measurement`;
}

type ElementEnd =
  | Omit<ElementResult, "trials">
  | (Omit<ElementResult, "status" | "trials"> & { readonly status: "failed" });

async function runElement(
  { campaignId, testbed, attemptLimit }: CampaignInput,
  desk: ControlDesk,
  element: Element,
  tokens: Pick<ElementInput, "nextNumber" | "healthDue"> & { readonly epoch: number },
): Promise<ElementEnd> {
  const { kind, platform, repetition, trials } = element;
  const input = { campaignId, testbed, attemptLimit, element, ...tokens, ends: [], held: false };
  desk.plan.begins(element.id);
  try {
    const child = await startChild(kind === "forwarding" ? forwardingSweep : migrationTrial, {
      workflowId: element.id,
      args: [input],
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      staticSummary: elementSummary(element),
      staticDetails: elementPlan(element),
      typedSearchAttributes: attributes({
        LhCampaign: campaignId,
        LhTestbed: testbed,
        LhKind: kind,
        LhPlatform: platform,
        LhRepetition: repetition,
        LhPlanned: trials.length,
        ...(kind === "migration" && trials[0] ? { LhScenario: trials[0].scenario } : {}),
      }),
    });
    await desk.runs(element.id, {
      hold: (held) => told(() => child.signal(hold, held)),
      skip: (order) => told(() => child.signal(skipTrial, order)),
    });
    return await child.result();
  } catch (error) {
    // A child that somebody else cancelled or terminated is a setback, not the campaign's end.
    if (isCancellation(error) && desk.work.consideredCancelled) throw error;
    const reason = `${element.id}: ${faultOf(error instanceof Error && error.cause ? error.cause : error).reason}`;
    // How far it counted is not known: leave out all that it may have used.
    const nextNumber =
      tokens.nextNumber + (trials.length + 1) * mostAttempts(attemptLimit) * (1 + mostSteps);
    return { status: "failed", reason, nextNumber };
  } finally {
    desk.elementEnded();
  }

  async function told(signal: () => Promise<void>): Promise<void> {
    try {
      await signal();
    } catch (error) {
      const what = { element: element.id, error: String(error) };
      log.info("the element ended before it could be told", what);
    }
  }
}
