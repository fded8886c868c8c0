/** How long each rung of recovery took: every single one, as there are few. */
import type { RungRow } from "../recoveries.ts";
import type { Figure } from "./figure.ts";
import { categories } from "./layers.ts";

/** None where nothing had to be recovered. */
export function recoveryFigures(rungs: readonly RungRow[]): readonly Figure[] {
  if (rungs.length === 0) return [];
  const steps = [...new Set(rungs.map(({ step }) => step))];
  const values = rungs.map(({ step, status, durationMs }) => ({
    step,
    status,
    seconds: Math.max(durationMs, 1) / 1e3,
  }));
  const recoveries = new Set(rungs.map(({ recovery }) => recovery)).size;
  return [
    {
      name: "recovery-times",
      section: "recovery",
      title: "Time of each rung of recovery",
      caption: `One point for each of ${rungs.length} steps of ${recoveries} recoveries: single measurements, therefore without interval. The time is from the order to the proof on the hosts, or to the failure; logarithmic.`,
      spec: {
        width: 520,
        height: { step: 28 },
        data: { values },
        mark: { type: "point", size: 45, opacity: 0.8, strokeWidth: 1.5 },
        encoding: {
          y: { field: "step", type: "nominal", title: null, sort: steps },
          x: {
            field: "seconds",
            type: "quantitative",
            title: "Time (s)",
            scale: { type: "log" },
          },
          ...categories("status", "Result", ["verified", "failed"]),
        },
      },
    },
  ];
}
