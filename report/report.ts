/** Writes a campaign's report into a folder, from stored rows only; also while the campaign still runs. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ledgerCsv, trialsCsv } from "./csv.ts";
import type { Figure } from "./figures/figure.ts";
import { forwardingFigures } from "./figures/forwarding.ts";
import { hostLoadFigures } from "./figures/host-load.ts";
import { lossFigures } from "./figures/losses.ts";
import { migrationFigures } from "./figures/migration.ts";
import { recoveryFigures } from "./figures/recovery.ts";
import { timeSeriesFigures } from "./figures/time-series.ts";
import { page } from "./page.ts";
import type { CampaignRecord } from "./record.ts";
import { rungsCsv } from "./recoveries.ts";
import { type ScenarioGroup, scenarioGroups } from "./scenarios.ts";
import { summaryCsv } from "./summary-csv.ts";
import { drawSvg } from "./svg.ts";
import { resultTables } from "./tables.ts";
import { trialJson } from "./trial-json.ts";

/** @returns the path of the page; figures, CSV and JSON stand beside it. */
export async function writeReport(
  record: CampaignRecord,
  folder: string,
  writtenAt: string,
): Promise<string> {
  const groups = scenarioGroups(record.trials, record.campaign);
  const figures = await Promise.all(
    figuresOf(record, groups).map(async (figure) => ({
      ...figure,
      svg: figure.spec && (await drawSvg(figure.spec)),
    })),
  );
  const files = new Map([
    ["trials.csv", trialsCsv(record.trials)],
    ["trials.json", json(record.trials.map(trialJson))],
    ["summary.csv", summaryCsv(groups)],
    ["ledger.csv", ledgerCsv(record.ledgers)],
    ...(record.rungs.length === 0 ? [] : [["recovery.csv", rungsCsv(record.rungs)] as const]),
    ["campaign.json", json(campaignJson(record))],
    ...figures.flatMap(({ name, svg }) =>
      svg === null ? [] : ([[`figures/${name}.svg`, svg]] as const),
    ),
  ]);
  const tables = resultTables(groups);
  const index = page({ record, tables, figures, files: [...files.keys()], writtenAt });
  await mkdir(join(folder, "figures"), { recursive: true });
  for (const [name, content] of files) await writeFile(join(folder, name), content);
  await writeFile(join(folder, "index.html"), index);
  return join(folder, "index.html");
}

/** Trials that a planned fault disturbed stand in the tables; a figure shows what was left alone. */
function figuresOf(record: CampaignRecord, all: readonly ScenarioGroup[]): readonly Figure[] {
  const groups = all.filter(({ fault }) => fault === null);
  return [
    ...forwardingFigures(groups),
    ...lossFigures(groups, record.ledgers),
    ...migrationFigures(groups),
    ...(groups.some(({ kind }) => kind === "migration")
      ? timeSeriesFigures(record.exampleMigration)
      : []),
    ...recoveryFigures(record.rungs),
    ...hostLoadFigures(groups),
  ];
}

const campaignJson = ({
  status,
  campaign,
  omissions,
  seed,
  planHash,
  longhaulVersion,
}: CampaignRecord) => ({
  status,
  campaign,
  omissions,
  seed,
  planHash,
  longhaulVersion,
});

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
