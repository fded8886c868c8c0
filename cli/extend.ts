import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { readTestbedFile } from "./run-files.ts";
import type { Campaign } from "../model/campaign.ts";
import { expandPlan } from "../model/plan.ts";
import { testbedFacts } from "../model/testbed-limits.ts";
import { UsageError } from "../model/usage-error.ts";
import { unknownCampaign } from "../report/record.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import type { CampaignStatus, Store } from "../store/store.ts";
import type { Extended } from "../workflows/messages.ts";
import { depart } from "./depart.ts";
import { bringServicesUp } from "./bring-up.ts";
import { isOpen } from "./campaign-json.ts";
import type { RunFiles } from "./run-files.ts";
import { interruptible } from "./interrupt.ts";
import { say } from "./say.ts";
import { hasNoWorkflow, steer } from "./steer.ts";
import { withStore } from "./store-access.ts";
import { asker } from "./temporal-client.ts";
import { inTurn } from "./turn.ts";

interface ExtendOptions {
  readonly state?: string;
  readonly json?: boolean;
  readonly repetitions: string;
  readonly testbed?: string;
  readonly queue?: boolean;
}

type StoredCampaign = CampaignStatus & { readonly content: Campaign };

/** A campaign whose last trial has ended needs so long at most to close. */
const closingMs = 60_000;

/** `longhaul extend ID --repetitions N`: N is the new total. */
export function extendCommand(program: Command): void {
  program
    .command("extend")
    .description("raise the repetitions of a campaign, also of a completed one, which goes on then")
    .argument("<id>", "campaign")
    .requiredOption("--repetitions <n>", "repetitions that it shall have in all")
    .option("--testbed <file>", "to go on with, of a completed one (default: testbeds/lab.yaml)")
    .option("--queue", "wait in turn, where a completed one's testbed is busy now")
    .action(async (id: string, options: ExtendOptions) => {
      const answer = await interruptible(
        `whether ${id} has its new repetitions: \`longhaul status ${id}\`; the same command again goes on from here`,
        () => extend(stateFolder(options.state), id, options),
      );
      if (options.json === true) console.log(JSON.stringify({ campaign: id, ...answer }));
      else
        say(
          `${id} has ${answer.repetitions} repetitions: ${answer.planned} trials planned, ${answer.added} of them new`,
        );
    });
}

async function extend(state: StateFolder, id: string, options: ExtendOptions): Promise<Extended> {
  const repetitions = repetitionsOf(options.repetitions);
  const read = () => withStore(state, (store) => extendable(store, id, repetitions));
  let stored = await read();
  if (isOpen(stored) && stored.state !== "planned") {
    try {
      return await steer<Extended>(state, "extend", id, [repetitions]);
    } catch (error) {
      if (!hasNoWorkflow(error)) throw error;
    }
    stored = await closed(read);
  }
  const { planned, pending, content } = stored;
  if (content.repetitions === repetitions && pending === 0)
    return { repetitions, planned, added: 0 };
  return await inTurn(state, say, () => goOn(state, stored, repetitions, options));
}

/** @throws {UsageError} unknown, or fewer than it has. @throws it was cancelled. */
export async function extendable(
  store: Pick<Store, "campaign" | "allStatus">,
  id: string,
  repetitions: number,
): Promise<StoredCampaign> {
  const stored = await store.campaign(id);
  if (stored === null) throw await unknownCampaign(store, id);
  if (stored.state === "cancelled")
    throw new Error(
      `campaign ${id} was cancelled: what it skipped has its verdict, and verdicts are never taken back; \`longhaul run FILE\` plans a new campaign`,
    );
  const now = stored.content.repetitions;
  if (repetitions < now)
    throw new UsageError(
      `--repetitions is ${repetitions}; campaign ${id} has ${now} planned, and none is taken away: expected ${now} or more`,
    );
  return stored;
}

function repetitionsOf(text: string): number {
  const repetitions = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (repetitions < 1 || repetitions > 10_000)
    throw new UsageError(
      `--repetitions is ${JSON.stringify(text)}; expected the new total, a whole number from 1 to 10000`,
    );
  return repetitions;
}

/** Its workflow has ended, or never began: the state in the store follows within a moment. */
async function closed(read: () => Promise<StoredCampaign>): Promise<StoredCampaign> {
  const end = Date.now() + closingMs;
  for (;;) {
    const stored = await read();
    if (!isOpen(stored) || Date.now() > end) return stored;
    await delay(500);
  }
}

/** Raises the plan of a campaign that does not run, and starts it again under its id. */
async function goOn(
  state: StateFolder,
  { campaign: id, testbed, content }: StoredCampaign,
  repetitions: number,
  options: ExtendOptions,
): Promise<Extended> {
  const files = filesOf({ ...content, repetitions }, id, testbed, options.testbed ?? null);
  await bringServicesUp(state, files, say);
  return await withStore(state, async (store) => {
    let extended: Extended | null = null;
    await depart(state, store, {
      ...{ files, id, isNew: true, queue: options.queue === true, log: say },
      plan: async () => {
        const answer = await store.extendCampaign({ campaignId: id, repetitions, by: asker() });
        if (answer.status === "refused") throw new Error(`campaign ${id} ${answer.why}`);
        extended = { repetitions, planned: answer.planned, added: answer.added };
        const calibrations = (await store.campaign(id))?.calibrations ?? null;
        return expandPlan(files.campaign, testbedFacts(files.testbed, calibrations), id);
      },
    });
    if (extended === null) throw new Error(`campaign ${id} was started without its new plan`);
    return extended;
  });
}

function filesOf(campaign: Campaign, id: string, testbed: string, given: string | null): RunFiles {
  const found = readTestbedFile(given);
  if (found.testbed.name !== testbed)
    throw new UsageError(
      `campaign ${id} was measured on testbed ${testbed}; ${given ?? found.testbedPath} describes ${found.testbed.name}: give --testbed with the file of ${testbed}`,
    );
  return {
    campaign,
    ...found,
    forecast: expandPlan(campaign, testbedFacts(found.testbed, null), id),
  };
}
