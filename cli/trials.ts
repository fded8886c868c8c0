import type { Command } from "commander";
import { labelWords } from "../model/load.ts";
import { numberText } from "../report/number-text.ts";
import { unknownCampaign } from "../report/record.ts";
import { trialJson } from "../report/trial-json.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { Store, TrialRow } from "../store/store.ts";
import { withStore } from "./store-access.ts";

export function trialsCommand(program: Command): void {
  program
    .command("trials")
    .description("every trial of a campaign with verdict, outcome and attempts")
    .argument("<id>", "campaign")
    .action(async (id: string, options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const trials = await withStore(state, (store) => trialsOf(store, id));
      console.log(
        options.json === true ? JSON.stringify(trials.map(trialJson)) : trialsText(trials),
      );
    });
}

/** @throws {UsageError} the campaign is unknown. */
export async function trialsOf(
  store: Pick<Store, "status" | "allStatus" | "trials">,
  id: string,
): Promise<readonly TrialRow[]> {
  if ((await store.status(id)) === null) throw await unknownCampaign(store, id);
  return await store.trials(id);
}

export const trialsText = (trials: readonly TrialRow[]): string => trials.map(trialLine).join("\n");

/** One line: verdict, id, and what was measured or why not. */
export function trialLine(trial: TrialRow): string {
  const { state, id, attempts, outcome, reason } = trial;
  const tries = attempts > 1 ? `, ${attempts} attempts` : "";
  const what = state === "valid" ? `${outcome}${resultWords(trial)}` : (reason ?? "");
  return `${state.padEnd(8)} ${id}  ${what}${tries}`.trimEnd();
}

function resultWords({ kind, results, scenario }: TrialRow): string {
  const words =
    kind === "forwarding"
      ? ([
          ["loss ratio", "lossRatio", ""],
          ["RTT", "rttMedianMs", " ms"],
        ] as const)
      : ([
          ["total", "totalTimeMs", " ms"],
          ["downtime (gap)", "downtimePacketGapMs", " ms"],
        ] as const);
  const parts = words.flatMap(([word, key, unit]) => {
    const value = results[key];
    return typeof value === "number" ? [`${word} ${numberText(value)}${unit}`] : [];
  });
  const load = kind === "migration" ? ` under ${labelWords(scenario.load)}` : "";
  return parts.length === 0 ? "" : `${load}: ${parts.join(", ")}`;
}
