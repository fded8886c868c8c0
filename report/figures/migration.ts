/** What a migration cost, against the cross-traffic that ran through the router meanwhile. */
import { labelWords } from "../../model/load.ts";
import type { TopLevelSpec } from "vega-lite";
import { estimate, intervalSentence } from "../estimate.ts";
import { directionLabel, type ScenarioGroup, values } from "../scenarios.ts";
import { seriesColours } from "../theme.ts";
import { categories, estimateLayers, withSingles } from "./layers.ts";
import { emptyFigure, type Figure } from "./figure.ts";

/** One figure: one or several result keys side by side, each with its own word. */
interface Measure {
  readonly name: string;
  readonly title: string;
  readonly what: string;
  readonly yTitle: string;
  readonly legend: string;
  readonly keys: readonly (readonly [key: string, word: string])[];
}

const measures: readonly Measure[] = [
  {
    name: "migration-total-time",
    title: "Total migration time",
    what: "From the accepted command to the released source",
    yTitle: "Total time (ms)",
    legend: "Platform",
    keys: [["totalTimeMs", "total time"]],
  },
  {
    name: "migration-downtime",
    title: "Downtime by three estimators",
    what: "Downtime as the platform reports it (a lower bound by construction), as the anchored gap in the stream at the sink, and as frames lost over the offered rate; what the last two have beyond the first is the network's reconvergence",
    yTitle: "Downtime (ms)",
    legend: "Estimator",
    keys: [
      ["downtimeHypervisorMs", "hypervisor"],
      ["downtimePacketGapMs", "packet gap"],
      ["downtimeLossMs", "loss-derived"],
    ],
  },
  {
    name: "migration-volume",
    title: "Transferred volume",
    what: "Bytes on the migration link, idle baseline subtracted, beside the platform's own count",
    yTitle: "Volume (MiB)",
    legend: "Counted by",
    keys: [
      ["transferredMib", "migration link"],
      ["transferredHypervisorMib", "hypervisor"],
    ],
  },
  {
    name: "migration-rtt",
    title: "Round-trip time before, during and after",
    what: "Median round-trip time of the side flow C→D through the migrating router (not RFC 2544 latency)",
    yTitle: "Median RTT C→D→C (ms)",
    legend: "Time",
    keys: [
      ["rttBeforeMedianMs", "before"],
      ["rttMedianMs", "during"],
      ["rttAfterMedianMs", "after"],
    ],
  },
];

/** Every migration figure: one for each measure and frame size, one panel for each platform. */
export function migrationFigures(groups: readonly ScenarioGroup[]): readonly Figure[] {
  const migrations = groups.filter(({ kind }) => kind === "migration");
  const sizes = [...new Set(migrations.map(({ frameSizeBytes }) => frameSizeBytes))];
  return sizes.flatMap((size) =>
    measures.map((measure) =>
      figure(
        measure,
        size,
        migrations.filter(({ frameSizeBytes }) => frameSizeBytes === size),
      ),
    ),
  );
}

function figure(measure: Measure, size: number, groups: readonly ScenarioGroup[]): Figure {
  const head = {
    name: `${measure.name}-${size}B`,
    section: "migration" as const,
    title: `${measure.title}, ${size}-byte cross-traffic`,
  };
  const points = groups.flatMap((group) => pointsOf(measure, group));
  if (points.length === 0)
    return emptyFigure(head, `no completed migration under ${size}-byte cross-traffic has it yet.`);
  const merged = groups.some(({ direction }) => direction === null);
  return {
    ...head,
    caption: `${measure.what}. ${merged ? "Directions R1→R2 and R2→R1 together. " : ""}${intervalSentence(points)}`,
    spec: panels(
      measure,
      [...new Set(points.map(({ panel }) => panel))],
      [...new Set(points.map(({ load }) => load))],
      withSingles(points),
    ),
  };
}

function panels(
  measure: Measure,
  panelNames: readonly string[],
  loads: readonly string[],
  rows: readonly { readonly word: string }[],
): TopLevelSpec {
  const words = measure.keys
    .map(([, word]) => word)
    .filter((word) => rows.some((row) => row.word === word));
  const several = words.length > 1;
  const shared = {
    x: {
      field: "load",
      type: "ordinal" as const,
      title: "Cross-traffic (intended)",
      sort: [...loads],
      axis: { labelAngle: 0, grid: false },
      scale: { paddingInner: 0.3, paddingOuter: 0.2 },
    },
    ...(several
      ? {
          xOffset: { field: "word", type: "nominal" as const, sort: words },
          ...categories("word", measure.legend, words),
        }
      : { color: { value: seriesColours[0] ?? null } }),
  };
  return {
    data: { values: [...rows] },
    facet: {
      field: "panel",
      type: "nominal",
      title: null,
      sort: [...panelNames],
      header: { labelFontWeight: 600, labelAnchor: "start" },
    },
    columns: 2,
    spec: {
      width: Math.max(220, Math.min(420, loads.length * 120)),
      height: 240,
      layer: estimateLayers(shared, measure.yTitle, { line: false, yScale: { zero: true } }),
    },
  };
}

function pointsOf(measure: Measure, group: ScenarioGroup) {
  return measure.keys.flatMap(([key, word]) => {
    const found = estimate(key, values(group.completed, key), [0, null]);
    if (found.center === null) return [];
    const direction = group.direction === null ? "" : ` ${directionLabel(group.direction)}`;
    return [
      {
        panel: `${group.platform}${direction}`,
        load: labelWords(group.load),
        word,
        ...found,
      },
    ];
  });
}
