/** What a chaos campaign prints at its end. Pure. */
import { recoveryBoundMs, standstillBoundMs, standstillMs } from "./checks.ts";
import { accountOf } from "./journals.ts";
import { strikesOn, unprovoked } from "./outcomes.ts";
import type { ChaosRecord, RecordedTrial } from "./record.ts";

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

export function summary(
  record: ChaosRecord,
  campaign: string,
  elapsedMs: number,
): readonly string[] {
  const { status, trials, struck, recoveries, journals } = record;
  const { spans, unitsStarted, refusals } = accountOf(journals, campaign);
  const own = trials.filter(({ fault }) => fault !== null);
  const kills = struck.filter(({ made }) => made === null);
  const { valid, invalid, skipped } = status.verdicts;
  const attempts = trials.flatMap((trial) => trial.attempts);
  return [
    `planned ${status.planned} = ${valid} valid + ${invalid} invalid + ${skipped} skipped; ${attempts.length} attempts, ${attempts.filter(({ cut }) => cut).length} of them cut`,
    `outcomes: ${counted(trials.flatMap(({ outcome }) => outcome ?? []))}`,
    `survived ${struck.length + own.length} strikes: ${kills.length} kills, ${struck.length - kills.length} faults from outside, ${own.length} faults of the campaign's own`,
    `  kills: ${counted(kills.map(({ strike: { blow } }) => (blow.kind === "kill" ? blow.victims.join(" + ") : "the whole machine")))}`,
    `  faults from outside: ${counted(struck.flatMap(({ made }) => made?.fault ?? []))}`,
    `  faults of the campaign's own: ${counted(own.map(({ kind, fault, outcome }) => `${fault?.fault}${fault?.host == null ? "" : ` at the ${fault.host}`} in a ${kind} → ${outcome}`))}`,
    `outcomes that guests came to by themselves, or may have: ${counted(unprovoked(record).map(({ kind, outcome }) => `${outcome} in a ${kind}`))}`,
    `they fell on: ${counted(struck.flatMap((one) => under(record, one.atMs)))}`,
    ...detection(trials),
    ...recovery(record, recoveries),
    ...standstills(record),
    `hosts' journals: ${unitsStarted} units of ${spans.length} attempts in order, ${refusals} orders refused`,
    ...cost(record, elapsedMs),
  ];
}

const counted = (names: readonly string[]): string =>
  [...Map.groupBy(names, (name) => name)]
    .map(([name, all]) => (all.length === 1 ? name : `${all.length} × ${name}`))
    .join(", ") || "none";

/** What was under way at that moment: `measure (migration)`, `rung recreate`, `between steps`. */
function under({ trials, events }: ChaosRecord, atMs: number): readonly string[] {
  const steps = trials.flatMap(({ kind, steps }) =>
    steps
      .filter(({ startedAt, endedAt }, index) => {
        // One that was cut has no end: the next one's start is the latest it can have been.
        const end = endedAt ?? steps[index + 1]?.startedAt ?? startedAt;
        return Date.parse(startedAt) <= atMs && Date.parse(end) >= atMs;
      })
      .map(({ name }) => `${name} (${kind})`),
  );
  const rungs = events.flatMap(({ kind, at, content }) =>
    kind === "rung" && Date.parse(String(content.startedAt)) <= atMs && Date.parse(at) >= atMs
      ? [`rung ${String(content.step)}`]
      : [],
  );
  return steps.length + rungs.length === 0 ? ["between steps"] : [...steps, ...rungs];
}

function detection(trials: readonly RecordedTrial[]): string[] {
  const found = trials.flatMap(({ outcome, results: { detectionTimeMs, detectionBoundMs } }) =>
    typeof detectionTimeMs === "number" && typeof detectionBoundMs === "number"
      ? [{ outcome: outcome ?? "?", time: detectionTimeMs, bound: detectionBoundMs }]
      : [],
  );
  return [...Map.groupBy(found, ({ outcome }) => outcome)].map(
    ([outcome, all]) =>
      `detection, ${outcome}: n = ${all.length}, mean ${seconds(mean(all.map(({ time }) => time)))}, longest ${seconds(Math.max(...all.map(({ time }) => time)))} (bound ${seconds(Math.max(...all.map(({ bound }) => bound)))})`,
  );
}

function recovery({ events }: ChaosRecord, recoveries: ChaosRecord["recoveries"]): string[] {
  const times = recoveries.flatMap(({ rung, startedAt, endedAt }) =>
    endedAt === null
      ? []
      : [{ rung: rung ?? "none", ms: Date.parse(endedAt) - Date.parse(startedAt) }],
  );
  const rungs = events.flatMap(({ kind, content }) =>
    kind === "rung" && typeof content.durationMs === "number"
      ? [{ step: String(content.step), ms: content.durationMs }]
      : [],
  );
  return [
    ...[...Map.groupBy(times, ({ rung }) => rung)].map(
      ([rung, all]) =>
        `recovery up to ${rung}: n = ${all.length}, mean ${seconds(mean(all.map(({ ms }) => ms)))}, longest ${seconds(Math.max(...all.map(({ ms }) => ms)))} (bound ${seconds(recoveryBoundMs)})`,
    ),
    ...(rungs.length === 0
      ? []
      : [
          `  rungs: ${[...Map.groupBy(rungs, ({ step }) => step)].map(([step, all]) => `${step} ${seconds(mean(all.map(({ ms }) => ms)))} (n = ${all.length}, longest ${seconds(Math.max(...all.map(({ ms }) => ms)))})`).join(", ")}`,
        ]),
  ];
}

function standstills({ trials, struck }: ChaosRecord): string[] {
  const kinds = Map.groupBy(struck, ({ made, strike: { blow } }) =>
    made !== null
      ? `fault ${made.fault}`
      : blow.kind === "kill"
        ? `kill ${blow.victims.join(" + ")}`
        : "kill of the whole machine",
  );
  return [
    `from each strike's end to the next measurement begun (bound ${seconds(standstillBoundMs)}), and how long it lasted:`,
    ...[...kinds].map(([kind, all]) => {
      const waits = all.flatMap((one) => standstillMs(trials, one) ?? []);
      const lasted = all.map(({ atMs, overMs }) => overMs - atMs);
      return `  ${kind}: n = ${all.length}, longest ${waits.length === 0 ? "–" : seconds(Math.max(...waits))}, lasted ${seconds(mean(lasted))}`;
    }),
  ];
}

/** What the same plan would have taken: each trial as long as the undisturbed ones of its kind and platform. */
function cost({ trials, struck }: ChaosRecord, elapsedMs: number): string[] {
  const ordered = trials.toSorted((one, other) => one.position - other.position);
  const took = ordered.flatMap((trial, index) => {
    const before = ordered[index - 1]?.endedAt;
    if (
      before == null ||
      trial.endedAt === null ||
      trial.fault !== null ||
      ordered[index - 1]?.fault != null
    )
      return [];
    const span = { startedAt: before, endedAt: trial.endedAt };
    if (strikesOn(struck, span).length > 0 || trial.attempts.length > 1) return [];
    return [
      {
        like: `${trial.kind} ${trial.platform}`,
        ms: Date.parse(trial.endedAt) - Date.parse(before),
      },
    ];
  });
  const usual = Map.groupBy(took, ({ like }) => like);
  const fallback = mean(took.map(({ ms }) => ms));
  const undisturbedMs = ordered.reduce((sum, { kind, platform }) => {
    const alike = usual.get(`${kind} ${platform}`);
    return sum + (alike === undefined ? fallback : mean(alike.map(({ ms }) => ms)));
  }, 0);
  return [
    `took ${seconds(elapsedMs)}; the same plan undisturbed would take about ${seconds(undisturbedMs)} (from ${took.length} undisturbed trials); chaos cost ${seconds(elapsedMs - undisturbedMs)}`,
  ];
}
