/** What came through against what was offered: rate, loss and RTT, one figure for each frame size. */
import { mbpsL2FromFps } from "../../model/units.ts";
import { estimate, intervalSentence } from "../estimate.ts";
import { type ScenarioGroup, values } from "../scenarios.ts";
import { colour } from "../theme.ts";
import { categories, estimateLayers, type Layer, referenceLine, withSingles } from "./layers.ts";
import { emptyFigure, type Figure } from "./figure.ts";

interface Measure {
  readonly name: string;
  readonly title: string;
  readonly key: string;
  readonly yTitle: string;
  readonly what: string;
  readonly toY: (value: number, frameSizeBytes: number) => number;
  /** Same unit on both axes: the diagonal is "everything forwarded", and frames/s stand at the far sides. */
  readonly diagonal: boolean;
  readonly bounds: readonly [number, number | null];
  /** The y axis reaches at least this far, so that nothing but zeros is no empty frame. */
  readonly floor: number;
}

const measures: readonly Measure[] = [
  {
    name: "forwarded",
    title: "Forwarded against offered rate",
    key: "forwardedFps",
    yTitle: "Forwarded rate (Mbit/s, layer 2)",
    what: "Forwarded rate at the sink against the rate that the generator really sent; the dashed diagonal is a router that loses nothing",
    toY: mbpsL2FromFps,
    diagonal: true,
    bounds: [0, null],
    floor: 0,
  },
  {
    name: "loss",
    title: "Frame loss ratio against offered rate",
    key: "lossRatio",
    yTitle: "Frame loss ratio (0…1)",
    what: "Frames sent and not received, relative to those sent",
    toY: (ratio) => ratio,
    diagonal: false,
    bounds: [0, 1],
    floor: 0.01,
  },
  {
    name: "rtt",
    title: "Round-trip time under load",
    key: "rttMedianMs",
    yTitle: "Median RTT C→D→C (ms)",
    what: "Median round-trip time of the side flow C→D through the same router while the load runs (not RFC 2544 latency)",
    toY: (ms) => ms,
    diagonal: false,
    bounds: [0, null],
    floor: 0.1,
  },
];

export function forwardingFigures(groups: readonly ScenarioGroup[]): readonly Figure[] {
  const forwarding = groups.filter(({ kind }) => kind === "forwarding");
  const sizes = [...new Set(forwarding.map(({ frameSizeBytes }) => frameSizeBytes))];
  return measures.flatMap((measure) =>
    sizes.map((size) =>
      figure(
        measure,
        size,
        forwarding.filter(({ frameSizeBytes }) => frameSizeBytes === size),
        [...new Set(forwarding.map(({ platform }) => platform))],
      ),
    ),
  );
}

function figure(
  measure: Measure,
  size: number,
  groups: readonly ScenarioGroup[],
  platforms: readonly string[],
): Figure {
  const head = {
    name: `${measure.name}-${size}B`,
    section: "forwarding" as const,
    title: `${measure.title}, ${size}-byte frames`,
  };
  const points = groups.flatMap((group) => point(measure, size, group));
  if (points.length === 0)
    return emptyFigure(head, `no completed forwarding trial with ${size}-byte frames yet.`);
  const highest = (of: (typeof points)[number]) => Math.max(of.center, of.high ?? 0, ...of.sample);
  // A little beyond the last point, which would otherwise stand on the frame.
  const limit = 1.04 * Math.max(...points.map(({ x }) => x));
  const shared = {
    x: {
      field: "x",
      type: "quantitative" as const,
      title: "Offered rate (Mbit/s, layer 2)",
      scale: { domain: [0, limit], nice: false },
    },
    ...categories(
      "platform",
      "Platform",
      platforms,
      platforms.filter((name) => points.some(({ platform }) => platform === name)),
    ),
  };
  const layers = estimateLayers(shared, measure.yTitle, {
    line: true,
    yScale: {
      domain: [0, measure.diagonal ? limit : Math.max(measure.floor, ...points.map(highest))],
      nice: !measure.diagonal,
    },
    yAxis: { tickCount: 6 },
  });
  const diagonal = [
    { x: 0, center: 0 },
    { x: limit, center: limit },
  ];
  return {
    ...head,
    caption: `${measure.what}. ${size}-byte frames (with FCS). ${intervalSentence(points)}`,
    spec: {
      width: 520,
      height: 320,
      data: { values: withSingles(points) },
      layer: [
        {
          layer: [
            ...(measure.diagonal ? [referenceLine(diagonal, shared.x, measure.yTitle)] : []),
            ...layers,
          ],
        },
        frameRateAxis(size, limit, measure.diagonal),
      ],
      resolve: { axis: { x: "independent", y: "independent" } },
    },
  };
}

/** kframes/s along the top (and the right, where y is a rate, too), at round numbers. */
function frameRateAxis(size: number, limitMbpsL2: number, bothAxes: boolean): Layer {
  const mbpsPerKframe = mbpsL2FromFps(1000, size);
  const axis = {
    title: "kframes/s",
    values: roundSteps(limitMbpsL2 / mbpsPerKframe).map((kframes) => kframes * mbpsPerKframe),
    labelExpr: `format(datum.value / ${mbpsPerKframe}, '~g')`,
    grid: false,
  };
  return {
    data: { values: [{ x: 0, y: 0 }] },
    mark: { type: "point", opacity: 0, color: colour("reference") },
    encoding: {
      x: { field: "x", type: "quantitative", axis: { ...axis, orient: "top" } },
      ...(bothAxes && {
        y: {
          field: "y",
          type: "quantitative" as const,
          axis: { ...axis, orient: "right" as const },
        },
      }),
    },
  };
}

/** Multiples of 1, 2 or 5 times a power of ten from 0 to the limit, at most eleven of them. */
function roundSteps(limit: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(limit / 5));
  const step =
    [1, 2, 5, 10].map((each) => each * power).find((each) => limit / each <= 10) ?? limit;
  return Array.from({ length: Math.floor(limit / step) + 1 }, (_, index) => index * step);
}

function point(measure: Measure, size: number, group: ScenarioGroup) {
  const measured = group.completed.filter(
    ({ results }) =>
      typeof results.offeredFps === "number" && typeof results[measure.key] === "number",
  );
  const offered = values(measured, "offeredFps");
  const meanOfferedFps = offered.reduce((sum, fps) => sum + fps, 0) / offered.length;
  const x = mbpsL2FromFps(meanOfferedFps, size);
  const found = estimate(
    measure.key,
    values(measured, measure.key).map((value) => measure.toY(value, size)),
    // More than what was offered cannot come through.
    measure.diagonal ? [0, x] : measure.bounds,
  );
  if (found.center === null) return [];
  return [{ ...found, center: found.center, platform: group.platform, x }];
}
