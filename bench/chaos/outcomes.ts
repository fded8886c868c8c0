/** Whether every attempt came to what the faults and kills on it allow, and demand. Pure. */
import { factsOf } from "../../model/fault.ts";
import type { TrialOutcome } from "../../model/trial.ts";
import type { AttemptRow } from "../../store/store.ts";
import { brokeByItself } from "../broken-by-itself.ts";
import { migrationMarginMs, trialMs } from "./campaign-file.ts";
import { blowWords } from "./draw.ts";
import { type Expectation, mayComeTo, mustComeTo, mustNotPass } from "./expectations.ts";
import type { ChaosRecord, RecordedTrial, Struck } from "./record.ts";

/** Strikes that fell on an attempt, from the moment when it was opened to its verdict. */
export const strikesOn = (
  struck: readonly Struck[],
  { startedAt, endedAt }: Pick<AttemptRow, "startedAt" | "endedAt">,
): readonly Struck[] => {
  const from = Date.parse(startedAt);
  const to = endedAt === null ? Infinity : Date.parse(endedAt);
  return struck.filter(({ atMs, overMs }) => atMs <= to && overMs >= from);
};

/** A host that is away is never an outcome of its router. */
const losesHost = ({ made, strike: { blow } }: Struck): boolean =>
  made === null ? blow.kind === "machine" : factsOf(made.fault).at === "host";

/** A machine this busy can fail a router's baseline, whatever the router is. */
const busyRatio = 0.9;

function byItself(
  { id, platform, outcome, results }: RecordedTrial,
  events: ChaosRecord["events"],
): boolean {
  const own = events.filter(({ trial }) => trial === id);
  if (outcome === "degraded")
    return (
      own.some(({ kind }) => kind === "evidence") && Number(results.hostLoadMaxRatio) >= busyRatio
    );
  return platform !== "bare" && brokeByItself(outcome, own);
}

/** Trials with an outcome that comes without any fault, too. */
export const unprovoked = ({ trials, struck, events }: ChaosRecord): readonly RecordedTrial[] =>
  trials.filter(
    (trial) =>
      trial.fault === null &&
      byItself(trial, events) &&
      trial.attempts
        .filter(({ attempt }) => attempt === trial.judgedAttempt)
        .flatMap((attempt) => strikesOn(struck, attempt))
        .every((one) => !losesHost(one)),
  );

/** Every attempt came to what the faults on it allow, and without any it is valid and completed. */
export function outcomesOf(record: ChaosRecord, trial: RecordedTrial): string[] {
  const { struck, events } = record;
  const excused = unprovoked(record).includes(trial);
  return trial.attempts.flatMap((attempt) => {
    const causes = strikesOn(struck, attempt);
    const own =
      trial.fault !== null &&
      events.some(
        ({ kind, trial: of, attempt: number }) =>
          kind === "fault" && of === trial.id && number === attempt.attempt,
      )
        ? mustComeTo(trial.fault)
        : null;
    const allowed = causes.map(({ made }): Expectation =>
      made === null
        ? { outcomes: ["completed"], invalid: true }
        : mayComeTo(made.fault, trial.kind),
    );
    const fatal = own === null ? strikesHome(record, trial, attempt, causes) : undefined;
    const outcomes = new Set<string>(
      [
        ...(own?.outcomes ?? ["completed"]),
        ...allowed.flatMap((one): readonly TrialOutcome[] => one.outcomes),
      ].filter((one) => fatal === undefined || one !== "completed"),
    );
    const name = `${trial.id}, attempt ${attempt.attempt}`;
    const because = [
      ...(trial.fault === null ? [] : [`its fault ${trial.fault.fault}`]),
      ...causes.map(({ strike }) => blowWords(strike.blow)),
    ].join(", ");
    const under = because === "" ? "undisturbed" : `under ${because}`;
    if (attempt.verdict === "valid")
      return outcomes.has(attempt.outcome ?? "") || excused
        ? []
        : [`${name} is ${attempt.outcome} ${under}; expected ${[...outcomes].join(" or ")}`];
    if (attempt.cut && !causes.some(({ made }) => made === null))
      return [`${name} was cut and nothing of Longhaul was killed: ${attempt.reason}`];
    return allowed.some(({ invalid }) => invalid)
      ? []
      : [`${name} is invalid ${under}: ${attempt.reason}`];
  });
}

/** A fault takes so long to be felt; one at the last moment of a load is found by its next trial. */
const feltMs = 300;

/**
 * The strike that this attempt cannot have survived as `completed`: lasting, at a guest, and within its
 * load (which a migration lies within). Where something of Longhaul was killed as well the measurement may
 * have been collected, without what its judges would have seen.
 */
function strikesHome(
  { events }: ChaosRecord,
  { id, kind, platform, results }: RecordedTrial,
  { attempt }: AttemptRow,
  causes: readonly Struck[],
): Struck | undefined {
  const begun = events.find(
    (one) => one.kind === "load-begins" && one.trial === id && one.attempt === attempt,
  );
  if (begun === undefined || platform === "bare") return undefined;
  if (causes.some((one) => one.made === null || losesHost(one))) return undefined;
  const fromMs = Date.parse(begun.at);
  const lastsMs =
    kind === "forwarding" ? trialMs : migrationMarginMs + (Number(results.totalTimeMs) || 0);
  return causes.find(
    ({ made, atMs }) =>
      made !== null &&
      mustNotPass(made.fault) &&
      atMs >= fromMs &&
      atMs <= fromMs + lastsMs - feltMs,
  );
}
