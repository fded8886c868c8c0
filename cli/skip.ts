import type { Command } from "commander";
import { decidedWords } from "../model/skip.ts";
import { UsageError } from "../model/usage-error.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { Store } from "../store/store.ts";
import type { Skipped } from "../workflows/messages.ts";
import { steer } from "./steer.ts";
import { withStore } from "./store-access.ts";
import { unknownTrial } from "./trial.ts";

/** `longhaul skip TRIAL-ID --why TEXT`: one trial is given up, and the campaign goes on without it. */
export function skipCommand(program: Command): void {
  program
    .command("skip")
    .description("give one trial the verdict skipped; one that runs is cut and restored first")
    .argument("<trial-id>", "as `longhaul trials` prints it")
    .requiredOption("--why <text>", "the reason, for the record")
    .action(async (trial: string, options: { state?: string; json?: boolean; why: string }) => {
      if (options.why.trim() === "")
        throw new UsageError('--why is ""; expected a sentence, for the record');
      const state = stateFolder(options.state);
      const campaign = await withStore(state, (store) => skippable(store, trial));
      const answer = await steer<Skipped>(state, "skip", campaign, [trial, options.why]);
      if (options.json === true) console.log(JSON.stringify({ campaign, ...answer }));
      else console.error(`${trial} is skipped`);
    });
}

/** The trial's campaign. @throws {UsageError} the trial is unknown. @throws it has its verdict. */
export async function skippable(
  store: Pick<Store, "trial" | "trials" | "status" | "allStatus">,
  id: string,
): Promise<string> {
  const trial = await store.trial(id);
  if (trial === null) throw await unknownTrial(store, id);
  if (trial.state !== "pending" && trial.state !== "running")
    throw new Error(
      `trial ${id} has its verdict: ${decidedWords(trial)}; a verdict is never taken back`,
    );
  return trial.campaign;
}
