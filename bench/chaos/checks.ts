/** What must hold at the end of a chaos campaign, whatever fell on it. Pure; every violation is a sentence. */
import { blowWords } from "./draw.ts";
import { accountOf } from "./journals.ts";
import { outcomesOf } from "./outcomes.ts";
import type { ChaosRecord, RecordedTrial, Struck } from "./record.ts";

export const violations = (record: ChaosRecord, campaign: string): readonly string[] => [
  ...verdicts(record),
  ...temporal(record),
  ...hosts(record, campaign),
  ...record.anomalies.map(
    ({ what, trial, attempt }) => `store: ${what}: ${trial ?? "-"}, attempt ${attempt ?? "-"}`,
  ),
  ...record.trials.flatMap((trial) => outcomesOf(record, trial)),
  ...faultsOnRecord(record),
  ...bounds(record),
  ...record.calls.map((reason) => `a person was called for: ${reason}`),
  ...record.left.map((what) => `left behind: ${what}`),
];

/** Every planned trial has exactly one verdict. */
function verdicts({ planned, status, trials }: ChaosRecord): string[] {
  const { valid, invalid, skipped } = status.verdicts;
  const decided = trials.filter(({ state }) => state === "valid" || state === "invalid");
  return [
    ...(status.state === "completed" ? [] : [`the campaign is ${status.state}`]),
    ...(trials.length === planned && valid + invalid === planned && skipped === 0
      ? []
      : [`planned ${planned}, but ${valid} valid + ${invalid} invalid + ${skipped} skipped`]),
    ...(decided.length === planned ? [] : [`${decided.length} of ${planned} have a verdict`]),
  ];
}

/** Temporal tells the same: all closed, no attempt measured twice, at most one verdict for each trial. */
function temporal({ temporal: { open, measures, verdicts: told }, trials }: ChaosRecord): string[] {
  const keys = measures.map(({ trial, attempt }) => `${trial}#${attempt}`);
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
  const found: string[] = [
    ...open.map((id) => `Temporal: ${id} is still open`),
    ...twice.map((key) => `Temporal: ${key} was measured twice`),
  ];
  for (const { id, state, outcome, attempts } of trials) {
    const own = told.filter(({ trial }) => trial === id);
    if (own.length > 1) found.push(`Temporal: ${id} has ${own.length} verdicts`);
    const wanted = state === "valid" ? `valid, ${outcome}` : state;
    for (const { words } of own)
      if (!words.startsWith(wanted))
        found.push(`Temporal: ${id} is ${JSON.stringify(words)}, in the store ${wanted}`);
    for (const { attempt, verdict } of attempts)
      if (verdict === "valid" && !keys.includes(`${id}#${attempt}`))
        found.push(`Temporal: ${id}, attempt ${attempt} was never measured`);
  }
  return found;
}

/** No attempt overlaps another on the testbed, by the hosts' own journals. */
function hosts({ journals, trials }: ChaosRecord, campaign: string): string[] {
  const { spans, contradictions } = accountOf(journals, campaign);
  const overlaps = spans.flatMap((span, index) => {
    const next = spans[index + 1];
    return next !== undefined && next.fromUs < span.toUs
      ? [
          `hosts: ${span.attempt} and ${next.attempt} overlap by ${Math.round((span.toUs - next.fromUs) / 1000)} ms`,
        ]
      : [];
  });
  const seen = new Set(spans.map(({ attempt }) => attempt));
  const unseen = trials.flatMap(({ id, judgedAttempt, state }) => {
    const name = `${id.replaceAll("/", ".")}.a${judgedAttempt}`;
    return state === "valid" && !seen.has(name) ? [`hosts: none knows of ${name}`] : [];
  });
  return [...contradictions.map((words) => `hosts: ${words}`), ...overlaps, ...unseen];
}

/** Each fault is found in the record: the campaign's own in their trials, a person's as disturbances. */
function faultsOnRecord({ trials, events, struck }: ChaosRecord): string[] {
  const own = trials.flatMap(({ id, fault, state, judgedAttempt }) =>
    fault !== null &&
    state === "valid" &&
    !events.some(
      ({ kind, trial, attempt, content }) =>
        kind === "fault" &&
        trial === id &&
        attempt === judgedAttempt &&
        content.fault === fault.fault,
    )
      ? [`${id}: no event tells of its fault ${fault.fault}`]
      : [],
  );
  const outside = struck.flatMap(({ made }) =>
    made === null ||
    events.some(
      ({ kind, key, at }) => kind === "disturbance" && key.endsWith(made.id) && at === made.at,
    )
      ? []
      : [`no event tells of ${made.fault}, ${made.detail}`],
  );
  return [...own, ...outside];
}

/** A process that is ready to run waits so long for a CPU of a machine that is restarting its servers. */
const schedulingMs = 250;
/** From a strike's end to the next measurement begun after it, at most: worker found dead, router made anew. */
export const standstillBoundMs = 90_000;
/** A run of the ladder, at most: on this lab a guest boots within seconds and a host within one. */
export const recoveryBoundMs = 120_000;

function bounds({ trials, struck, recoveries }: ChaosRecord): string[] {
  const late = trials.flatMap(
    ({ id, results: { detectionTimeMs: time, detectionBoundMs: bound } }) =>
      typeof time === "number" && typeof bound === "number" && time > bound + schedulingMs
        ? [`${id}: its hang was found after ${time} ms, the bound is ${bound} ms`]
        : [],
  );
  const still = struck.flatMap((one) => {
    const ms = standstillMs(trials, one);
    return ms !== null && ms > standstillBoundMs
      ? [`${blowWords(one.strike.blow)}: the next measurement began ${ms} ms after it was over`]
      : [];
  });
  const failed = recoveries
    .filter(({ outcome }) => outcome !== "recovered")
    .map(({ id, outcome, why }) => `${id} is ${outcome ?? "open"} (${why})`);
  const slow = recoveries.flatMap(({ id, startedAt, endedAt }) => {
    const ms = endedAt === null ? 0 : Date.parse(endedAt) - Date.parse(startedAt);
    return ms > recoveryBoundMs ? [`${id} took ${ms} ms, the bound is ${recoveryBoundMs} ms`] : [];
  });
  return [...late, ...still, ...failed, ...slow];
}

/** From the end of a strike to the first measurement that began after it; null: none did. */
export function standstillMs(
  trials: readonly RecordedTrial[],
  { overMs }: Pick<Struck, "overMs">,
): number | null {
  const begun = trials
    .flatMap(({ steps }) => steps.filter(({ name }) => name === "measure"))
    .map(({ startedAt }) => Date.parse(startedAt) - overMs)
    .filter((ms) => ms >= 0);
  return begun.length === 0 ? null : Math.min(...begun);
}
