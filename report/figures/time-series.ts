/** One migration at the resolution of its samples: what arrived, what crossed the migration link, the RTT. */
import { labelWords } from "../../model/load.ts";
import type { TopLevelSpec } from "vega-lite";
import type { ExampleMigration } from "../record.ts";
import { colour, seriesColours } from "../theme.ts";
import { emptyFigure, type Figure } from "./figure.ts";
import type { Layer } from "./layers.ts";
import { hostsWithoutClock, migrationSeries, type SeriesPoint } from "./migration-series.ts";

const head = {
  name: "migration-series",
  section: "series" as const,
  title: "One migration in time",
};

export function timeSeriesFigures(example: ExampleMigration | null): readonly Figure[] {
  if (!example) return [emptyFigure(head, "no migration has completed and been judged valid yet.")];
  const without = hostsWithoutClock(example);
  if (without.length > 0)
    return [emptyFigure(head, `no clock offset is stored of ${without.join(", ")}.`)];
  const series = migrationSeries(example);
  const { scenario, id } = example.trial;
  const { tickMs } = example.measurement.sink.ticks;
  const linkInterval = series.linkIntervalMs;
  return [
    {
      ...head,
      caption: `Trial ${id} (${scenario.platform}, ${scenario.frameSizeBytes}-byte frames, ${labelWords(scenario.load)}): the completed migration with the median total time; n = 1, one migration alone has no interval. Received frames by their kernel stamps at the sink in bins of ${tickMs} ms${linkInterval === null ? "; the migration link was not sampled" : `, bytes on the migration link (sent by the source host) every ${linkInterval} ms`}, RTT of every probe of the side flow; probes without reply are marked at the bottom. Time 0 is the accepted command; clocks of the hosts agree within ± ${series.clockUncertaintyMs.toFixed(2)} ms.`,
      spec: panels(series),
    },
  ];
}

function panels(series: ReturnType<typeof migrationSeries>): TopLevelSpec {
  const x = {
    field: "seconds",
    type: "quantitative" as const,
    title: "Seconds since the migration was ordered",
    scale: { domain: [series.fromSeconds, series.toSeconds], nice: false },
  };
  const panel = (
    rows: readonly SeriesPoint[],
    title: string,
    tint: string | undefined,
    mark: "line" | "point",
    last: boolean,
  ) => ({
    width: 620,
    height: 130,
    layer: [
      markers(series.markers, { ...x, title: last ? x.title : null }),
      {
        data: { values: rows.filter(({ value }) => value !== null) },
        mark:
          mark === "line"
            ? { type: "line" as const, interpolate: "step-after" as const, strokeWidth: 1.25 }
            : { type: "point" as const, filled: true, size: 10, opacity: 1 },
        encoding: {
          x: { ...x, title: last ? x.title : null },
          y: { field: "value", type: "quantitative" as const, title },
          color: { value: tint ?? colour("ink") },
        },
      },
      ...unanswered(rows, { ...x, title: last ? x.title : null }, title),
    ],
  });
  const received = panel(series.received, "Received (kframes/s)", seriesColours[0], "line", false);
  return {
    vconcat: [
      {
        ...received,
        layer: [...received.layer, markerLabels(series.markers, { ...x, title: null })],
      },
      ...(series.link.length > 0
        ? [panel(series.link, "Migration link (Mbit/s)", seriesColours[1], "line", false)]
        : []),
      panel(series.rtt, "RTT (ms)", seriesColours[2], "point", true),
    ],
    spacing: 18,
  };
}

type X = NonNullable<NonNullable<Extract<Layer, { mark: unknown }>["encoding"]>["x"]>;

const markers = (rows: readonly object[], x: X): Layer => ({
  data: { values: [...rows] },
  mark: { type: "rule", color: colour("reference"), strokeDash: [3, 3] },
  encoding: { x },
});

const markerLabels = (rows: readonly object[], x: X): Layer => ({
  data: { values: [...rows] },
  mark: {
    type: "text",
    align: "left",
    baseline: "bottom",
    dx: 3,
    fontSize: 11,
    color: colour("muted"),
  },
  encoding: {
    x,
    y: { field: "labelOffset", type: "quantitative", scale: null, axis: null },
    text: { field: "label" },
  },
});

/** Probes without reply, at the bottom of their panel: their absence is the finding. */
function unanswered(rows: readonly SeriesPoint[], x: X, title: string): Layer[] {
  const lost = rows.filter(({ value }) => value === null).map((row) => ({ ...row, value: 0 }));
  if (lost.length === 0) return [];
  return [
    {
      data: { values: lost },
      mark: { type: "point", shape: "cross", angle: 45, size: 22, opacity: 1, strokeWidth: 1 },
      encoding: {
        x,
        y: { field: "value", type: "quantitative", title },
        color: { value: seriesColours[4] ?? colour("ink") },
      },
    },
  ];
}
