/** The samples of one migration on one time axis: seconds since its command, of the controller's clock. */
import type { ExampleMigration } from "../record.ts";

export interface SeriesPoint {
  readonly seconds: number;
  /** null: no reply. */
  readonly value: number | null;
}

export interface MigrationSeries {
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** kframes/s at the sink. */
  readonly received: readonly SeriesPoint[];
  /** Mbit/s that the source host sent on the migration link. */
  readonly link: readonly SeriesPoint[];
  readonly linkIntervalMs: number | null;
  /** ms. */
  readonly rtt: readonly SeriesPoint[];
  readonly markers: readonly { seconds: number; label: string; labelOffset: number }[];
  /** The widest uncertainty of any clock that the axis joins. */
  readonly clockUncertaintyMs: number;
}

/** Shown before the command and after the end. */
const marginSeconds = 3;

/** Hosts whose samples cannot be put on the time axis, because no clock offset of theirs is stored. */
export const hostsWithoutClock = ({ measurement }: ExampleMigration): readonly string[] => {
  const { clocks, sink, rtt, migration } = measurement;
  const needed = [...new Set([migration.source, sink.host, rtt.host])];
  return needed.filter((host) => !clocks.some((clock) => clock.host === host));
};

/** @throws a host of `hostsWithoutClock`. */
export function migrationSeries({ measurement, series }: ExampleMigration): MigrationSeries {
  const { migration, sink, rtt, clocks } = measurement;
  const wallUs = (host: string, us: number) => us + clockOf(measurement, host).offsetUs;
  const commandUs = wallUs(migration.source, migration.commandUs);
  const seconds = (us: number) => (us - commandUs) / 1e6;
  const timed = migration.phases.filter(({ host }) => clocks.some((clock) => clock.host === host));
  const phases = timed.map(({ name, host, atUs }) => ({
    label: name,
    seconds: seconds(wallUs(host, atUs)),
  }));
  const endSeconds = Math.max(
    ...phases.map((phase) => phase.seconds),
    migration.endUs === null ? 0 : seconds(wallUs(migration.source, migration.endUs)),
  );
  const { tickMs, startUs, frames } = sink.ticks;
  const firstTickUs = wallUs(sink.host, startUs);
  const fromSeconds = Math.max(-marginSeconds, Math.min(0, seconds(firstTickUs)));
  const toSeconds = Math.min(
    endSeconds + marginSeconds,
    Math.max(endSeconds, seconds(firstTickUs + frames.length * tickMs * 1e3)),
  );
  const shown = (point: SeriesPoint) => point.seconds >= fromSeconds && point.seconds <= toSeconds;

  const received = frames.map((count, index) => ({
    seconds: seconds(firstTickUs + index * tickMs * 1e3),
    value: count / tickMs,
  }));

  const devices = measurement.migrationLink.filter(({ host }) => host === migration.source);
  const sampled = series.find(
    ({ host, device }) =>
      host === migration.source && devices.some((link) => link.device === device),
  );
  return {
    fromSeconds,
    toSeconds,
    received: received.filter(shown),
    link: sampled ? linkRate(sampled, seconds).filter(shown) : [],
    linkIntervalMs: sampled?.accuracy.intervalMs ?? null,
    rtt: rtt.rttMs
      .map((value, index) => ({
        seconds: seconds(wallUs(rtt.host, rtt.sentUs[index] ?? Number.NaN)),
        value,
      }))
      .filter(shown),
    markers: spread([{ label: "command", seconds: 0 }, ...phases]),
    clockUncertaintyMs: Math.max(...clocks.map(({ uncertaintyUs }) => uncertaintyUs)) / 1e3,
  };
}

function clockOf({ clocks }: ExampleMigration["measurement"], host: string) {
  const clock = clocks.find((each) => each.host === host);
  if (!clock) throw new Error(`${host}: its samples have no clock offset and no place in time`);
  return clock;
}

/** Differences of the counter over the time between the middles of two reads. */
function linkRate(
  { beforeUs, afterUs, txBytes, clock }: ExampleMigration["series"][number],
  seconds: (us: number) => number,
): SeriesPoint[] {
  const middleUs = beforeUs.map((us, index) => (us + (afterUs[index] ?? us)) / 2);
  return middleUs.slice(1).map((us, index) => {
    const spanUs = us - (middleUs[index] ?? us);
    const bytes = (txBytes[index + 1] ?? 0) - (txBytes[index] ?? 0);
    return {
      seconds: seconds((middleUs[index] ?? us) + clock.offsetUs),
      value: spanUs > 0 && bytes >= 0 ? (bytes * 8) / spanUs : null,
    };
  });
}

/** Moments that a reader looks for; the platform's other phases are lines without a word. */
const worded = /^command$|stopped|running|resume|completed|failed|cancel/i;

/** Each worded marker has a line of its own, since those of a switch-over stand close together. */
function spread(markers: readonly { label: string; seconds: number }[]) {
  const lineHeight = 13;
  let line = 0;
  return markers
    .toSorted((a, b) => a.seconds - b.seconds)
    .map((marker) =>
      worded.test(marker.label)
        ? { ...marker, labelOffset: -4 - lineHeight * (line++ % 4) }
        : { ...marker, label: "", labelOffset: 0 },
    );
}
