import type { Command } from "commander";
import { campaignWorkflowId } from "../model/search-attributes.ts";
import { UsageError } from "../model/usage-error.ts";
import { servicesStatus } from "../services/services-status.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import type { CampaignStatus, Store } from "../store/store.ts";
import { depart } from "./depart.ts";
import { bringServicesUp, type Log } from "./bring-up.ts";
import { isOpen } from "./campaign-json.ts";
import { ledgerText, outcomesText } from "./campaign-text.ts";
import { refuseFullDisk } from "./disk-space.ts";
import { follow } from "./follow.ts";
import { writePlan } from "./launch.ts";
import { goesOn, leaveByInterrupt } from "./leave.ts";
import { progressScreen } from "./progress-screen.ts";
import { exitCodes } from "./program.ts";
import { readRunFiles, type RunFiles } from "./run-files.ts";
import { otherLabsCheck } from "./other-labs.ts";
import { say } from "./say.ts";
import { withStore } from "./store-access.ts";
import { inTurn } from "./turn.ts";
import { currentLink, linkLines } from "./ui-link.ts";
import { longhaulVersion } from "../services/version.ts";

interface RunOptions {
  readonly state?: string;
  readonly json?: boolean;
  readonly testbed?: string;
  readonly id?: string;
  readonly detach?: boolean;
  /** Wait in turn for a busy testbed. */
  readonly queue?: boolean;
  /** The caller tells the results itself. */
  readonly concluded?: boolean;
  /** Told when the campaign has its id and measures. */
  readonly begun?: (id: string) => void;
}

const log: Log = say;

export function runCommand(program: Command): void {
  program
    .command("run")
    .description("plan a campaign, start it and follow it; the same id again attaches to it")
    .argument("<file>", "campaign file")
    .option("--testbed <file>", "testbed file (default: testbeds/lab.yaml)")
    .option("--id <id>", "the campaign's id (default: <name>-<n>, new each time)")
    .option("--detach", "start it and return")
    .option("--queue", "wait in turn where the testbed is busy")
    .action(async (file: string, options: RunOptions) => {
      const code = await run(file, options);
      if (code !== exitCodes.done) process.exitCode = code;
    });
}

/** Runs the command `run`, and returns its exit code. */
export async function run(file: string, options: RunOptions): Promise<number> {
  const files = readRunFiles(file, options.testbed ?? null, options.id ?? null);
  const state = stateFolder(options.state);
  const leave = leaveByInterrupt(file);
  try {
    if (!servicesStatus(state).ready) refuseFullDisk(state.path, files.forecast);
    const { id, estimateSeconds, ended } = await inTurn(state, log, async () => {
      await bringServicesUp(state, files, log);
      return await withStore(state, (store) =>
        begin(state, store, files, options.id ?? null, { ...options, named: leave.named }),
      );
    });
    options.begun?.(id);
    const others = otherLabsCheck(state);
    if (others.result === "warn") log(`warning: labs ${others.detail}`);
    return await withStore(state, async (store) => {
      const link = currentLink(state, id);
      if (options.detach === true) {
        tell({ campaign: id, workflowId: campaignWorkflowId(id), temporalUi: link }, options);
        for (const line of [
          ...(ended === null
            ? [`${id} goes on in the background`, ...goesOn(id)]
            : [`${id} has ended before: ${ended}`]),
          ...linkLines(link, process.env),
        ])
          log(line);
        return exitCodes.done;
      }
      for (const line of [
        `campaign ${id} on ${files.testbed.name}`,
        ...linkLines(link, process.env),
      ])
        log(line);
      const screen = progressScreen(process.stderr);
      const end = await follow(store, id, { screen, leave: leave.follows(), estimateSeconds });
      if (end === null) {
        log(`\nDetached. ${id} goes on in the background:`);
        for (const line of goesOn(id)) log(line);
        return exitCodes.detached;
      }
      if (options.concluded !== true) await conclude(store, end, link, options);
      return endCode(end);
    });
  } finally {
    leave.end();
  }
}

/** Attaches to a campaign that exists with this plan, or plans and starts it; its id is `named` before that. */
async function begin(
  state: StateFolder,
  store: Store,
  files: RunFiles,
  wantedId: string | null,
  options: Pick<RunOptions, "queue"> & { readonly named: (id: string) => void },
) {
  const known = wantedId === null ? null : await store.status(wantedId);
  if (known !== null) options.named(known.campaign);
  if (known !== null && !isOpen(known)) {
    await writePlan(store, files, known.campaign, await stored(state, known.campaign));
    return { id: known.campaign, estimateSeconds: null, ended: known.state };
  }
  if (known === null) refuseFullDisk(state.path, files.forecast);
  const id = wantedId ?? (await store.freshCampaignId(files.campaign.name));
  const plan = async () => {
    options.named(id);
    return writePlan(store, files, id, await stored(state, id));
  };
  // An attached campaign may be measuring: its generator is not calibrated under it.
  if (known !== null) await plan();
  try {
    const { estimate, notes } = await depart(state, store, {
      ...{ files, id, plan, log },
      isNew: known === null,
      queue: options.queue === true || known?.state === "queued",
    });
    for (const note of notes) log(note);
    return { id, estimateSeconds: estimate.seconds, ended: null };
  } catch (error) {
    if (wantedId === null) await store.giveBackCampaignId(id);
    throw error;
  }
}

const stored = async (state: StateFolder, id: string) => ({
  temporalUi: currentLink(state, id),
  longhaulVersion: await longhaulVersion(),
});

async function conclude(
  store: Store,
  status: CampaignStatus,
  link: string | null,
  options: RunOptions,
): Promise<void> {
  const id = status.campaign;
  const { resultsText } = await import("../report/tables.ts");
  const found = await store.campaign(id);
  if (!found) throw new UsageError(`campaign ${id} was deleted while it was followed`);
  const lines = [
    "",
    resultsText(await store.trials(id), found.content),
    "",
    `${id}: ${status.state}; ${ledgerText(status)}`,
    `outcomes: ${outcomesText(status.outcomes)}`,
    `longhaul report ${id} writes figures and tables; longhaul trials ${id} lists every trial`,
    ...linkLines(link, process.env),
  ];
  for (const line of lines) log(line);
  tell({ ...status, temporalUi: link }, options);
}

/** An ended campaign whose every trial is valid is done; any other trial is a reason to look. */
export const endCode = ({ planned, verdicts }: Pick<CampaignStatus, "planned" | "verdicts">) =>
  verdicts.valid < planned ? exitCodes.notAllValid : exitCodes.done;

function tell(document: object, { json }: RunOptions): void {
  if (json === true) process.stdout.write(`${JSON.stringify(document)}\n`);
}
