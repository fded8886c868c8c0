/** Where the frames were lost, as the ledgers of the valid forwarding trials have it. */
import { labelWords } from "../../model/load.ts";
import type { LedgerRow } from "../../model/trial.ts";
import type { ScenarioGroup } from "../scenarios.ts";
import { colour, seriesColours } from "../theme.ts";
import { emptyFigure, type Figure } from "./figure.ts";

/** Rows of a ledger that are no loss: what went in, what came out, what was not the flow's. */
const notLost = new Set(["sent", "received", "not-of-the-flow"]);
const unexplained = "unexplained";

export interface LostShare {
  readonly scenario: string;
  readonly panel: string;
  readonly place: string;
  /** Frames lost at the place relative to those sent, over all trials of the scenario together. */
  readonly lostRatio: number;
  readonly n: number;
}

export function lossFigures(
  groups: readonly ScenarioGroup[],
  ledgers: ReadonlyMap<string, readonly LedgerRow[]>,
): readonly Figure[] {
  const head = {
    name: "losses-by-place",
    section: "losses" as const,
    title: "Where the frames were lost",
  };
  const forwarding = groups.filter(({ kind }) => kind === "forwarding");
  const shares = forwarding.flatMap((group) => lostShares(group, ledgers));
  const places = placesOf(shares);
  const lossy = shares.filter(({ lostRatio }) => lostRatio !== 0);
  if (shares.length === 0)
    return [emptyFigure(head, "no valid forwarding trial has a ledger yet.")];
  const counts = shares.map(({ n }) => n);
  const scenarios = [...new Set(shares.map(({ scenario }) => scenario))];
  if (lossy.length === 0)
    return [
      emptyFigure(head, `no frame was lost in any of the ${scenarios.length} scenarios measured.`),
    ];
  const losing = scenarios.filter((name) => lossy.some(({ scenario }) => scenario === name));
  const lossless = scenarios.length - losing.length;
  const n = `n = ${[...new Set([Math.min(...counts), Math.max(...counts)])].join("…")}`;
  return [
    {
      ...head,
      caption: `Frames lost at each counted place relative to the frames sent, all valid trials of a scenario added up (${n} trials per bar; a sum of counts, therefore without interval). Counters were read before the load and after phase d. “${unexplained}” is its own share and is never spread over the others; below zero it means that more frames were counted than sent.${lossless > 0 ? ` Not shown: ${lossless} of ${scenarios.length} scenarios, which lost none.` : ""}`,
      spec: {
        width: 520,
        height: { step: 22 },
        data: { values: lossy },
        mark: { type: "bar", stroke: colour("paper"), strokeWidth: 0.5 },
        encoding: {
          y: {
            field: "scenario",
            type: "nominal",
            title: null,
            sort: losing,
            axis: { labelLimit: 0 },
          },
          x: {
            field: "lostRatio",
            type: "quantitative",
            title: "Frames lost / frames sent (0…1)",
            axis: { tickCount: 6 },
            stack: "zero",
          },
          color: {
            field: "place",
            type: "nominal",
            title: "Place",
            scale: { domain: [...places], range: placeColours(places) },
            legend: { columns: 3, labelLimit: 0 },
          },
          order: { field: "placeOrder", type: "quantitative" },
        },
        transform: [
          { calculate: `indexof(${JSON.stringify(places)}, datum.place)`, as: "placeOrder" },
        ],
      },
    },
  ];
}

/** One row for each place at which the scenario's ledgers count, zeros included. */
export function lostShares(
  group: ScenarioGroup,
  ledgers: ReadonlyMap<string, readonly LedgerRow[]>,
): readonly LostShare[] {
  const found = group.trials.flatMap(({ id }) => {
    const ledger = ledgers.get(id);
    return ledger ? [ledger] : [];
  });
  const sum = (place: string) =>
    found
      .flat()
      .filter((row) => row.place === place)
      .reduce((total, { frames }) => total + frames, 0);
  const sent = sum("sent");
  if (sent === 0) return [];
  const places = [...new Set(found.flat().map(({ place }) => place))];
  const scenario = `${group.platform} · ${group.frameSizeBytes} B · ${labelWords(group.load)}`;
  return places
    .filter((place) => !notLost.has(place))
    .map((place) => ({
      scenario,
      panel: group.platform,
      place,
      lostRatio: sum(place) / sent,
      n: found.length,
    }));
}

/** In the order of the path, `unexplained` last; places that lost nothing anywhere are left out. */
function placesOf(shares: readonly LostShare[]): readonly string[] {
  const losing = shares.filter(({ lostRatio }) => lostRatio !== 0).map(({ place }) => place);
  const named = [...new Set(losing)].filter((place) => place !== unexplained);
  return losing.includes(unexplained) ? [...named, unexplained] : named;
}

const placeColours = (places: readonly string[]): string[] =>
  places.map((place, index) =>
    place === unexplained
      ? colour("reference")
      : (seriesColours[index % seriesColours.length] ?? colour("ink")),
  );
