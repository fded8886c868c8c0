/** A plan as a person reads it. */
import type { Plan } from "../model/plan.ts";
import { grouped } from "../model/load.ts";
import { scenarioName } from "../model/trial-name.ts";
import { sizeText } from "../report/number-text.ts";
import { diskText, type DiskView } from "./disk-space.ts";

export interface PlanView {
  readonly campaign: string;
  readonly testbed: string;
  readonly repetitions: number;
  readonly calibrated: boolean;
  readonly plan: Plan;
  readonly disk: DiskView;
}

/** Blocks shown whole; the order of the others is drawn by the same seed. */
const blocksShown = 1;

export function planText(view: PlanView): string {
  const { campaign, testbed, repetitions, calibrated, plan, disk } = view;
  const { trials, omissions, notes, estimate } = plan;
  const scenarios = trials.length / repetitions;
  const first = trials.filter(({ repetition }) => repetition <= blocksShown);
  return [
    `${campaign} on ${testbed}: ${scenarios} scenarios × ${repetitions} repetitions = ${trials.length} trials`,
    "",
    "Scenarios",
    ...scenarioLines(plan),
    "",
    `Order: block 1 of ${repetitions} (the others hold the same scenarios in an order of their own)`,
    ...first.map(({ position, id }) => `  ${String(position + 1).padStart(4)}  ${id}`),
    ...(omissions.length > 0
      ? [
          "",
          `Omitted: ${omissions.length} scenarios that ${testbed} cannot do`,
          ...omissions.map(({ scenario, reason }) => `  ${scenario}: ${reason}`),
        ]
      : []),
    ...(notes.length > 0 || !calibrated
      ? [
          "",
          "Not known now",
          ...(calibrated ? [] : ["  the store cannot be read, so calibrations are not known yet"]),
          ...notes.map((note) => `  ${note}`),
        ]
      : []),
    "",
    `Estimated time: ${duration(estimate.seconds)}`,
    ...estimate.parts.map(
      ({ what, count, secondsEach, seconds }) =>
        `  ${duration(seconds).padStart(10)}  ${what}: ${count} × ${Math.round(secondsEach * 10) / 10} s`,
    ),
    `Disk forecast: at most ${sizeText(estimate.bytes)} (${sizeText(estimate.bytesForwardingTrial)} a forwarding trial, ${sizeText(estimate.bytesMigrationTrial)} a migration)`,
    diskText(disk),
    "",
  ].join("\n");
}

/** Alternating migrations are one scenario, whichever way a repetition goes. */
function scenarioLines({ trials }: Plan): readonly string[] {
  const counted = new Map<string, { count: number; fps: number | null; ways: Set<string> }>();
  for (const { kind, scenario } of trials) {
    const name = scenarioName(kind, { ...scenario, direction: null });
    const entry = counted.get(name) ?? {
      count: 0,
      fps: scenario.intendedFps,
      ways: new Set<string>(),
    };
    entry.count += 1;
    if (scenario.direction !== null) entry.ways.add(scenario.direction);
    counted.set(name, entry);
  }
  return [...counted]
    .sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true }))
    .map(([name, { count, fps, ways }]) => {
      const rate =
        fps === null ? "after a capacity search" : `${grouped(Math.round(fps))} frames/s`;
      const directions = ways.size > 0 ? `, ${[...ways].sort().join(" and ")}` : "";
      return `  ${name}: ${rate}, ${count} trials${directions}`;
    });
}

/** `4 min 42 s`, `12 h 32 min` */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
