/** Colours and type of every figure. A figure alone is drawn on white; in the page its colours follow the reader's theme. */
import type { Config } from "vega-lite";

/** Name, colour on white, colour on the dark page. Told apart by readers who see few colours (after Okabe and Ito), and never by colour alone: shapes differ, too. */
const colours = [
  ["series-1", "#2b6cb0", "#6cb0f5"],
  ["series-2", "#c2570c", "#f5a55c"],
  ["series-3", "#0f8a70", "#4fd1b0"],
  ["series-4", "#8548b5", "#c797f0"],
  ["series-5", "#b02a4c", "#f0829d"],
  ["series-6", "#6b6a00", "#cfca4d"],
  ["series-7", "#0e7d9c", "#63cbe6"],
  ["series-8", "#7a5230", "#d3a67d"],
  ["ink", "#1d232b", "#e6e9ee"],
  ["muted", "#59636f", "#a3adba"],
  ["grid", "#e4e7eb", "#333b45"],
  ["reference", "#98a2ae", "#737f8d"],
  ["paper", "#fefefe", "#171b21"],
] as const;
type ColourName = (typeof colours)[number][0];

export const colour = (name: ColourName): string =>
  colours.find(([each]) => each === name)?.[1] ?? "";

/** For categories, in order of first use. */
export const seriesColours: readonly string[] = colours
  .filter(([name]) => name.startsWith("series"))
  .map(([, onWhite]) => onWhite);
export const seriesShapes = [
  "circle",
  "square",
  "triangle-up",
  "diamond",
  "cross",
  "triangle-down",
];

/** CSS variables of the page, one block for each theme. */
export const themeVariables = (theme: "light" | "dark"): string =>
  colours.map(([name, light, dark]) => `--${name}: ${theme === "light" ? light : dark};`).join(" ");

/** Makes an SVG that was drawn with the colours on white follow the page's variables. */
export const followPage = (svg: string): string =>
  colours.reduce((text, [name, onWhite]) => text.replaceAll(onWhite, `var(--${name})`), svg);

export const fontFamily = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";

export const vegaConfig: Config = {
  background: colour("paper"),
  font: fontFamily,
  padding: 8,
  view: { stroke: null },
  axis: {
    labelColor: colour("muted"),
    titleColor: colour("ink"),
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    titlePadding: 8,
    gridColor: colour("grid"),
    domainColor: colour("reference"),
    tickColor: colour("reference"),
    tickSize: 4,
    labelPadding: 4,
  },
  axisBand: { grid: false },
  legend: {
    labelColor: colour("ink"),
    titleColor: colour("muted"),
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: "normal",
    symbolSize: 90,
    orient: "top",
    direction: "horizontal",
    columns: 4,
    offset: 12,
  },
  header: { labelColor: colour("ink"), labelFontSize: 12, titleColor: colour("muted") },
  title: { color: colour("ink"), anchor: "start", fontSize: 13, fontWeight: 600 },
  line: { strokeWidth: 1.75 },
  rule: { strokeWidth: 1.25 },
};
