/** The campaign's elements, one after another, under the epoch that its lock granted. */
import { isCancellation, log, patched, sleep, workflowInfo } from "@temporalio/workflow";
import { cutLimit } from "../model/attempts.ts";
import { goesOnWords, quarantineWords } from "../model/ladder.ts";
import type { Quarantine } from "../model/ladder.ts";
import { heldWords } from "../model/search-attributes.ts";
import { token } from "../model/tokens.ts";
import type { ControlDesk } from "./campaign-control.ts";
import type { CampaignInput } from "./campaign.ts";
import { faultOf } from "./faults.ts";
import type { Fault } from "./faults.ts";
import { patiently } from "./patience.ts";
import { act } from "./policies.ts";
import { recover } from "./recover.ts";
import { runElement } from "./run-element.ts";

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
  /** Whether the store was asked what other campaigns' recoveries left; absent: it was not. */
  readonly isDoubtKnown?: boolean;
  /** Why the ladder gave up, until it is known which hosts are in quarantine for it. */
  readonly exhausted?: string | null;
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
  let {
    epoch,
    nextNumber,
    setbacks,
    givenUp = [],
    healthDue = null,
    exhausted = null,
    isDoubtKnown = false,
  } = carried;
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
    // Nothing would keep it from climbing the same ladder again and again.
    if (exhausted !== null && changed === null && patched("who is exhausted waits for a person")) {
      waitsFor = "person";
      await desk.wait(
        `${exhausted}. No host is in quarantine for it: look at the testbed, then \`longhaul resume\``,
      );
      await desk.untilRunning();
    }
    exhausted = null;
    // A host in quarantine is a person's: what was cut waits for it, too.
    if (takesUp && !(quarantined.length > 0 && (await isWorkLeft()))) {
      desk.step("taking up what was left");
      await desk.untilRunning();
      takesUp = await isCutShort(epoch);
      if (takesUp) epoch = null;
      else await resolveCapacities(epoch);
      continue;
    }
    if (!isDoubtKnown && patched("what another campaign's recovery left is known")) {
      isDoubtKnown = true;
      healthDue ??= await act("healthDoubt", { summary: "is the testbed in doubt?" })(testbed);
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
        // Another held the testbed, or its recovery was cut: nobody knows what was left on it.
        if (end.status === "superseded" || end.status === "exhausted")
          healthDue = `${element.id}: ${end.reason}`;
        if (end.status === "exhausted" && desk.releases() === releases)
          exhausted = end.reason ?? "nothing on the ladder helped";
        // Its hosts are in quarantine now, which the next round finds.
        if (end.status !== "exhausted") await setback(end.reason, end.status !== "refused");
        break;
      }
    }
  }

  function carriedOn(): Carried {
    const reason = desk.waitsBecause();
    const wait = waitsFor === null || reason === null ? null : { for: waitsFor, reason };
    const due = { healthDue, exhausted, isDoubtKnown };
    return { ...carried, epoch, nextNumber, setbacks, wait, givenUp, ...due };
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
      let fault = await search(open, what, under);
      const isMendable = () =>
        fault !== null && fault.leavesDoubt && patched("mend what hinders a capacity search");
      if (isMendable() && (await isMended(under, `no ${what}: ${fault?.reason}`)))
        fault = await search(open, what, under);
      while (isMendable() || isCut(fault)) {
        waitsFor = "person";
        await desk.wait(`no ${what}: ${fault?.reason}`);
        await desk.untilRunning();
        fault = await search(open, what, under);
      }
      // Its trials are tried all the same: each says for itself that its load is unknown.
      if (fault !== null) log.warn(`no ${what}`, { reason: fault.reason });
    }
  }

  /** null: it is known now. A search that Longhaul's own death cut is begun again, so many times in a row. */
  async function search(
    { platform, frameSizeBytes }: { readonly platform: string; readonly frameSizeBytes: number },
    what: string,
    under: number,
  ): Promise<Fault | null> {
    const place = { campaignId, testbed, platform, frameSizeBytes };
    for (let cuts = 0; ;) {
      try {
        // What an earlier call left on the hosts is swept away under a higher token.
        await patiently(() =>
          act("resolveCapacity", { summary: what })({
            ...place,
            token: token(under, nextNumber++),
          }),
        );
        return null;
      } catch (error) {
        if (isCancellation(error)) throw error;
        const fault = faultOf(error);
        if (!isCut(fault) || ++cuts >= cutLimit) return fault;
      }
    }
  }

  /** Runs the ladder before the next trial. */
  async function isMended(under: number, why: string): Promise<boolean> {
    const [next] = await act("nextElements", { summary: "whose router?" })(campaignId, 1);
    const brief = next?.trials[0];
    if (brief === undefined) return false;
    const { trialId, tally } = brief;
    const ref = { campaignId, testbed, trialId, attempt: tally.attempts };
    const name = `health-${token(under, nextNumber)}`;
    const end = await recover(ref, brief, { name, why, epoch: under, nextNumber });
    nextNumber = end.nextNumber;
    return end.status === "recovered";
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

  /** `passes`: time may help; what cannot be measured stays so. */
  async function setback(reason: string | null, passes: boolean): Promise<void> {
    setbacks += 1;
    log.warn("an element ended without verdicts", { reason, setbacks });
    if (setbacks >= setbackLimit) {
      if (patched("a person ends the wait after setbacks")) waitsFor = "person";
      await desk.wait(
        `${setbacks} elements in a row ended without a measurement; the last: ${reason}`,
      );
      setbacks = 0;
      healthDue ??= `it waited after elements that ended without a measurement; the last: ${reason}`;
    } else if (passes) await sleep(1000 * 4 ** setbacks, { summary: "pause after a setback" });
  }
}

/** Of a capacity search: it was not its own doing that it ended. */
const isCut = (fault: Fault | null): boolean =>
  fault !== null && fault.cut && patched("begin a cut capacity search again");

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
