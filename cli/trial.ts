import type { Command } from "commander";
import { UsageError } from "../model/usage-error.ts";
import { unknownCampaign } from "../report/record.ts";
import { type TrialJson, trialJson } from "../report/trial-json.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { AttemptRow, EventRow, StepRow, Store } from "../store/store.ts";
import { withStore } from "./store-access.ts";
import { trialText } from "./trial-text.ts";

export interface TrialDetail extends TrialJson {
  readonly steps: readonly StepRow[];
  readonly attemptLog: readonly AttemptRow[];
  /** Of the judged attempt; of the last one while none is judged. */
  readonly ledger: readonly { readonly place: string; readonly frames: number }[];
  readonly evidence: readonly EventRow[];
  readonly series: readonly {
    readonly host: string;
    readonly device: string;
    readonly samples: number;
    readonly accuracy: Readonly<Record<string, number>>;
  }[];
  readonly provenance: Readonly<Record<string, unknown>> | null;
}

export function trialCommand(program: Command): void {
  program
    .command("trial")
    .description("one trial with its steps, attempts, ledger, evidence, series and provenance")
    .argument("<trial-id>", "as `longhaul trials` prints it")
    .action(async (id: string, options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const detail = await withStore(state, (store) => trialDetail(store, id));
      console.log(options.json === true ? JSON.stringify(detail) : trialText(detail));
    });
}

/** @throws {UsageError} the trial is unknown. */
export async function trialDetail(store: Store, id: string): Promise<TrialDetail> {
  const trial = await store.trial(id);
  if (!trial) throw await unknownTrial(store, id);
  const attemptLog = await store.attempts(id);
  const attempt = trial.judgedAttempt ?? attemptLog.at(-1)?.attempt ?? null;
  const series = attempt === null ? [] : await store.series(id, attempt);
  return {
    ...trialJson(trial),
    steps: await store.steps(id),
    attemptLog,
    ledger: attempt === null ? [] : await store.ledger(id, attempt),
    evidence: await store.events({ trial: id }),
    series: series.map(({ host, device, beforeUs, accuracy }) => ({
      host,
      device,
      samples: beforeUs.length,
      accuracy: { ...accuracy },
    })),
    provenance: attempt === null ? null : await store.provenance(id, attempt),
  };
}

/** The sentence for a trial that the store does not hold, or for its campaign. */
export async function unknownTrial(
  store: Pick<Store, "status" | "allStatus" | "trials">,
  id: string,
): Promise<UsageError> {
  const campaign = id.split("/")[0] ?? "";
  if ((await store.status(campaign)) === null) return await unknownCampaign(store, campaign);
  const near = (await store.trials(campaign))
    .map((trial) => trial.id)
    .sort((one, other) => sharedLength(other, id) - sharedLength(one, id))
    .slice(0, nearTrials);
  return new UsageError(
    `trial ${JSON.stringify(id)} is unknown; \`longhaul trials ${campaign}\` lists those of ${campaign}; near it are ${near.join(", ")}`,
  );
}

/** So many ids are named when one is unknown. */
const nearTrials = 3;

/** Length of what two ids begin with alike. */
function sharedLength(one: string, other: string): number {
  const end = [...one].findIndex((letter, index) => letter !== other[index]);
  return end === -1 ? one.length : end;
}
