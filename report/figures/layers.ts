/** Layers that several figures share, over rows that are estimates. */
import type { TopLevelSpec } from "vega-lite";
import { drawnSingles, type Estimate } from "../estimate.ts";
import { colour, seriesColours, seriesShapes } from "../theme.ts";

export type Layer = Extract<TopLevelSpec, { layer: unknown }>["layer"][number];
type Encoding = NonNullable<Extract<Layer, { mark: unknown }>["encoding"]>;

/** Points with their 95 % intervals, joined by lines along x where `line` is set. `shared` holds x, colour and the like. */
export function estimateLayers(
  shared: Encoding,
  yTitle: string,
  options: { line: boolean; yScale?: object; yAxis?: object },
): Layer[] {
  const y = {
    type: "quantitative" as const,
    title: yTitle,
    scale: options.yScale ?? {},
    axis: options.yAxis ?? {},
  };
  const withoutShape: Encoding = { ...shared };
  delete withoutShape.shape;
  const interval = { y: { ...y, field: "low" }, y2: { field: "high" } };
  const withInterval = "isValid(datum.low)";
  const isPoint = "isValid(datum.center)";
  const singles: Layer = {
    transform: [{ filter: "isValid(datum.single)" }],
    mark: { type: "point", filled: true, size: 22, opacity: 0.7 },
    encoding: { ...withoutShape, y: { ...y, field: "single" } },
  };
  const lines: Layer[] = options.line
    ? [
        {
          transform: [{ filter: isPoint }],
          mark: { type: "line" },
          encoding: { ...withoutShape, y: { ...y, field: "center" } },
        },
      ]
    : [];
  const caps = (["low", "high"] as const).map((field): Layer => ({
    transform: [{ filter: withInterval }],
    mark: { type: "tick", orient: "horizontal", size: 7, thickness: 1.25, opacity: 1 },
    encoding: { ...withoutShape, y: { ...y, field } },
  }));
  return [
    ...lines,
    singles,
    {
      transform: [{ filter: withInterval }],
      mark: { type: "rule" },
      encoding: { ...withoutShape, ...interval },
    },
    ...caps,
    {
      transform: [{ filter: isPoint }],
      mark: { type: "point", filled: true, size: 60, opacity: 1 },
      encoding: { ...shared, y: { ...y, field: "center" } },
    },
  ];
}

/** The rows of a figure: its points, and for medians the single measurements. */
export const withSingles = <Point extends Estimate>(points: readonly Point[]) =>
  points.flatMap((point) => {
    const singles = point.kind === "median" && point.n > 1 ? drawnSingles(point.sample) : [];
    const single = { ...point, sample: [], center: null, low: null, high: null };
    return [
      { ...point, sample: [], single: null },
      ...singles.map((value) => ({ ...single, single: value })),
    ];
  });

/** One colour and one shape for each category, in the given order, the same in every figure; the legend names those `present`. */
export const categories = (
  field: string,
  title: string,
  domain: readonly string[],
  present: readonly string[] = domain,
) => ({
  color: {
    field,
    type: "nominal" as const,
    title,
    scale: { domain: [...domain], range: seriesColours.slice(0, Math.max(1, domain.length)) },
    legend: { values: [...present], symbolOpacity: 1 },
  },
  shape: {
    field,
    type: "nominal" as const,
    title,
    scale: { domain: [...domain], range: seriesShapes.slice(0, Math.max(1, domain.length)) },
    legend: { values: [...present], symbolOpacity: 1 },
  },
});

/** A dashed line to compare with, over rows of its own with `x` and `center`. */
export const referenceLine = (
  rows: readonly object[],
  x: NonNullable<Encoding["x"]>,
  yTitle: string,
): Layer => ({
  data: { values: [...rows] },
  mark: { type: "line", strokeDash: [5, 4], color: colour("reference"), strokeWidth: 1.25 },
  encoding: { x, y: { field: "center", type: "quantitative", title: yTitle } },
});
