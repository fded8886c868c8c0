/** The fault that a campaign file gave to a trial, made in its phase by whoever can disturb the testbed. */
import { setTimeout as wait } from "node:timers/promises";
import {
  faultLabel,
  type FaultMoment,
  type FaultPlace,
  type PlannedFault,
} from "../model/fault-plan.ts";
import type { MadeFault } from "../model/fault.ts";
import type { HostName } from "../model/testbed.ts";
import type { AttemptRef } from "../model/trial.ts";
import { UsageError } from "../model/usage-error.ts";
import { Fenced } from "../remote/shell.ts";
import { StoreUnavailable } from "../store/store.ts";
import type { TrialDeps } from "./deps.ts";
import type { Setup } from "./setup.ts";

/** Phases as the measurement enters them. */
const phaseOf: Readonly<Record<FaultMoment, string>> = {
  settle: "settle",
  learn: "learn",
  load: "load",
  control: "control",
  migrating: "migration",
  after: "after",
};

export interface FaultWatch {
  /** To be told of every phase. Never throws. */
  entered(phase: string): void;
  /** When the fault has been made, or there was none. @throws {Error} it could not be made, or its moment never came */
  made(): Promise<void>;
  /** Makes nothing any more; waits for one that is being made. Never throws. */
  end(): Promise<void>;
}

/** @throws {UsageError} the trial has a fault and nobody can make it */
export function plannedFault(deps: TrialDeps, setup: Setup): FaultWatch {
  const planned = faultOf(setup);
  if (planned === null)
    return {
      entered: () => undefined,
      made: () => Promise.resolve(),
      end: () => Promise.resolve(),
    };
  const { faults } = setup.bench;
  if (faults === undefined)
    throw new UsageError(
      `testbed ${setup.bench.testbed.name} cannot be disturbed on purpose, and ${setup.trial.id} has the fault ${faultLabel(planned)}`,
    );
  let timer: NodeJS.Timeout | null = null;
  let making: Promise<void> | null = null;
  let isOver = false;
  let ended = false;
  const makeNoMore = () => {
    isOver = true;
    if (timer !== null) clearTimeout(timer);
  };
  const notMade = () =>
    new Error(
      `the fault ${faultLabel(planned)} was not made: its phase ended before its moment came`,
    );
  const make = async () => {
    await stillMine(deps, setup.ref);
    if (isOver) throw notMade();
    const made = await faults.inject(
      { ...planned, host: hostOf(setup, planned.host) },
      setup.ref.trialId,
    );
    await stored(() => storeFault(deps, setup, planned, made));
  };
  /** The store may be what the fault has taken away; only a measurement whose fault is on record counts. */
  const stored = async (put: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        return await put();
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || ended) throw error;
        await wait(storeAgainMs);
      }
    }
  };
  return {
    entered(phase) {
      // Its phase has begun before: this is the one that ends it, and a fault falls in its own or not at all.
      if (timer !== null) return makeNoMore();
      if (phase !== phaseOf[planned.when]) return;
      timer = setTimeout(() => {
        making = make();
        // Whoever asks `made` hears of it.
        making.catch(() => undefined);
      }, planned.afterMs);
    },
    async made() {
      makeNoMore();
      if (making === null) throw notMade();
      await making;
    },
    async end() {
      ended = true;
      makeNoMore();
      await Promise.allSettled([making]);
    },
  };
}

const storeAgainMs = 500;

/**
 * False: the attempt was to be disturbed, and nobody knows that it was. A worker that died around the
 * fault's moment leaves a measurement that may be an undisturbed one.
 */
export async function faultIsOnRecord({ store }: TrialDeps, setup: Setup): Promise<boolean> {
  if (faultOf(setup) === null) return true;
  const events = await store.events({ trial: setup.ref.trialId });
  return events.some(({ key }) => key === keyOf(setup));
}

const keyOf = ({ ref }: Setup): string => `${ref.trialId}#${ref.attempt}/fault`;

/** Undoes what faults of campaigns left on the testbed, this attempt's or one's that ended early. Idempotent. */
export async function clearFaults(
  deps: TrialDeps,
  { bench, ref }: Setup,
  until: "restore" | "prepare",
): Promise<void> {
  if (bench.faults === undefined) return;
  await stillMine(deps, ref);
  await bench.faults.clear(until);
}

function faultOf({ trial, campaign }: Setup): PlannedFault | null {
  const label = trial.scenario.fault;
  if (label === undefined) return null;
  const planned = campaign.faults?.find((entry) => faultLabel(entry) === label);
  if (planned === undefined)
    throw new UsageError(`${trial.id}: its campaign has no fault ${label}, which stands in its id`);
  return planned;
}

/** A fault asks no agent: what a host would refuse is refused here. @throws {Fenced} */
async function stillMine({ store }: TrialDeps, ref: AttemptRef): Promise<void> {
  const testbed = await store.testbed(ref.testbed);
  if (testbed !== null && testbed.token > ref.token)
    throw new Fenced(
      `${ref.trialId}: token ${ref.token} may not disturb testbed ${ref.testbed}, which has seen ${testbed.token}`,
    );
}

function hostOf({ host }: Setup, place: FaultPlace | null): HostName | null {
  if (place === "source") return host;
  if (place === "destination") return host === "R1" ? "R2" : "R1";
  return place;
}

const storeFault = (
  { store }: TrialDeps,
  setup: Setup,
  { when, afterMs, forMs }: PlannedFault,
  { fault, host, detail, at, untilAt }: MadeFault,
): Promise<void> =>
  store.putEvent({
    key: keyOf(setup),
    testbed: setup.ref.testbed,
    campaign: setup.ref.campaignId,
    trial: setup.ref.trialId,
    attempt: setup.ref.attempt,
    host,
    kind: "fault",
    content: { fault, detail, when, afterMs, forMs, untilAt },
    at,
  });
