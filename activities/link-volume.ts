/** Bytes on the migration link, from the interface counters of both ends. */
import type {
  ClockOffset,
  CounterSeries,
  MigrationMeasurement,
  MigrationReport,
} from "../model/measurement.ts";

type LinkVolume = MigrationMeasurement["migrationLink"][number];

export interface LinkEnds {
  readonly source: { readonly host: string; readonly device: string };
  readonly destination: { readonly host: string; readonly device: string };
}

/**
 * What left the source and what reached the destination between the command and the migration's end,
 * and what the same span would have carried at the rate of the control window before the command. Both
 * ends to the nearest samples outside the span. An end without samples there is left out.
 */
export function linkVolumes(
  ends: LinkEnds,
  migration: MigrationReport,
  controlMs: number,
  series: readonly CounterSeries[],
  clocks: readonly ClockOffset[],
): LinkVolume[] {
  const offset = (host: string) => clocks.find((clock) => clock.host === host)?.offsetUs ?? 0;
  return [
    { ...ends.source, bytes: "txBytes" as const },
    { ...ends.destination, bytes: "rxBytes" as const },
  ].flatMap(({ host, device, bytes }) => {
    const one = series.find((each) => each.host === host && each.device === device);
    const lastUs = one?.beforeUs.at(-1);
    if (one === undefined || lastUs === undefined) return [];
    const shift = offset(migration.source) - offset(host);
    const startUs = migration.commandUs + shift;
    const endUs = migration.endUs === null ? lastUs : migration.endUs + shift;
    const at = (us: number, side: "before" | "after") => counterAt(one, bytes, us, side);
    const start = at(startUs, "before");
    const end = at(endUs, "after");
    const idle = at(startUs - controlMs * 1000, "after");
    if (start === null || end === null) return [];
    const idleSpanUs = idle === null ? 0 : start.atUs - idle.atUs;
    const idleRate = idle === null || idleSpanUs <= 0 ? 0 : (start.count - idle.count) / idleSpanUs;
    return [
      {
        host,
        device,
        bytes: end.count - start.count,
        baselineBytes: Math.round(idleRate * (end.atUs - start.atUs)),
      },
    ];
  });
}

/** The counter at the last sample not after `us`, or at the first one not before it; else the nearest end of the series. */
function counterAt(
  series: CounterSeries,
  counter: "txBytes" | "rxBytes",
  us: number,
  side: "before" | "after",
): { atUs: number; count: number } | null {
  const found =
    side === "before"
      ? series.beforeUs.findLastIndex((at) => at <= us)
      : series.beforeUs.findIndex((at) => at >= us);
  const nearest = found >= 0 ? found : side === "before" ? 0 : series.beforeUs.length - 1;
  const atUs = series.beforeUs[nearest];
  const count = series[counter][nearest];
  return atUs === undefined || count === undefined ? null : { atUs, count };
}
