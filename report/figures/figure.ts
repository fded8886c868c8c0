/** A figure: its description in the grammar, and the sentence that says what was measured on what. */
import type { TopLevelSpec } from "vega-lite";

export interface Figure {
  /** File name without ending; unique in a report. */
  readonly name: string;
  readonly section: "forwarding" | "losses" | "migration" | "series" | "recovery" | "host";
  readonly title: string;
  /** n, kind of interval, and what was measured on what. */
  readonly caption: string;
  /** null: there is nothing to draw yet, and `caption` says why. */
  readonly spec: TopLevelSpec | null;
}

export const emptyFigure = (figure: Omit<Figure, "spec" | "caption">, missing: string): Figure => ({
  ...figure,
  caption: `Nothing to draw: ${missing}`,
  spec: null,
});
