/** The hosts' own load beside the loss: on shared cores one explains a part of the other. */
import type { ScenarioGroup } from "../scenarios.ts";
import { categories } from "./layers.ts";
import { emptyFigure, type Figure } from "./figure.ts";

export function hostLoadFigures(groups: readonly ScenarioGroup[]): readonly Figure[] {
  const head = {
    name: "host-load",
    section: "host" as const,
    title: "Frame loss ratio against the busiest host’s load",
  };
  const forwarding = groups.filter(({ kind }) => kind === "forwarding");
  if (forwarding.length === 0) return [];
  const rows = forwarding.flatMap(({ platform, completed }) =>
    completed.flatMap(({ results }) => {
      const { hostLoadMaxRatio, lossRatio } = results;
      return typeof hostLoadMaxRatio === "number" && typeof lossRatio === "number"
        ? [{ platform, hostLoadMaxRatio, lossRatio }]
        : [];
    }),
  );
  if (rows.length === 0)
    return [emptyFigure(head, "no completed forwarding trial has stored the hosts’ load yet.")];
  const platforms = [...new Set(forwarding.map(({ platform }) => platform))];
  return [
    {
      ...head,
      caption: `One point for each of ${rows.length} completed forwarding trials: single measurements, therefore without interval. The load is the busy share of the CPUs of the busiest host while the load ran, generator, samplers and sink included; hosts of the lab share the machine’s cores.`,
      spec: {
        width: 520,
        height: 260,
        data: { values: rows },
        mark: { type: "point", size: 45, opacity: 0.8, strokeWidth: 1.5 },
        encoding: {
          x: {
            field: "hostLoadMaxRatio",
            type: "quantitative",
            title: "Busy share of the busiest host’s CPUs (0…1)",
            scale: { domain: [0, 1] },
          },
          y: {
            field: "lossRatio",
            type: "quantitative",
            title: "Frame loss ratio (0…1)",
            // Nothing but zeros is no empty frame.
            scale: {
              domain: [0, Math.max(0.01, ...rows.map(({ lossRatio }) => lossRatio))],
              nice: true,
            },
          },
          ...categories("platform", "Platform", platforms),
        },
      },
    },
  ];
}
