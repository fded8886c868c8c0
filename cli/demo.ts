import { join } from "node:path";
import type { Command } from "commander";
import { resultsText } from "../report/tables.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import type { CampaignStatus, Store } from "../store/store.ts";
import { isOpen } from "./campaign-json.ts";
import { ledgerText } from "./campaign-text.ts";
import { interruptible } from "./interrupt.ts";
import { exitCodes, runProgram } from "./program.ts";
import { reportCampaign, reportFolder } from "./report.ts";
import { run } from "./run.ts";
import { inTheirWords, say } from "./say.ts";
import { setup } from "./setup.ts";
import { withStore } from "./store-access.ts";
import { currentLink, linkLines } from "./ui-link.ts";
import { upWithLab } from "./up.ts";

type Log = (line: string) => void;

const checkout = join(import.meta.dirname, "..");
const campaignFile = join(checkout, "campaigns", "demo.yaml");
const testbedFile = join(checkout, "testbeds", "lab.yaml");

/** Every planned trial has its verdict; an invalid one counts, a pending or running one does not. */
export const ledgerIsComplete = (status: CampaignStatus): boolean => {
  const { valid, invalid, skipped } = status.verdicts;
  return status.planned > 0 && status.planned === valid + invalid + skipped;
};

/** Campaigns that measure on the state folder's lab, or wait for it in turn: whatever its testbed files call it. */
export async function othersOnLab(
  store: Pick<Store, "allStatus" | "testbeds">,
  id: string,
): Promise<readonly string[]> {
  const kinds = new Map((await store.testbeds()).map(({ name, kind }) => [name, kind]));
  const begun = (await store.allStatus()).filter(
    (status) => isOpen(status) && status.state !== "planned" && status.campaign !== id,
  );
  return begun
    .filter(({ testbed }) => kinds.get(testbed) === "lab")
    .map(({ campaign }) => campaign);
}

/** Runs another command of this program in this process. */
async function command(...words: string[]): Promise<number> {
  process.exitCode = undefined;
  const code = await runProgram(words);
  process.exitCode = undefined;
  return code;
}

/** What a user looks at afterwards: ledger, table, report, the campaign in Temporal's UI. */
async function closingLines(state: StateFolder, id: string): Promise<CampaignStatus> {
  return await withStore(state, async (store) => {
    const page = await reportCampaign(store, id, reportFolder(state, id));
    const campaign = await store.campaign(id);
    if (campaign === null) throw new Error(`the store holds no campaign ${id}`);
    const lines = inTheirWords(
      [
        "",
        resultsText(await store.trials(id), campaign.content),
        "",
        `Ledger: ${ledgerText(campaign)}`,
        `Report: ${page}`,
        ...linkLines(currentLink(state, id), process.env),
        "The services stay up for you to look at; end them with: longhaul down",
      ].join("\n"),
    );
    console.log(lines);
    return campaign;
  });
}

async function demo(state: StateFolder): Promise<number> {
  const log: Log = say;
  await setup(log);
  await interruptible("the services that were started go on; end them with: longhaul down", () =>
    upWithLab(state, log),
  );
  const labCode = await interruptible(
    "the services go on, and what there is of the lab; end both with: longhaul down",
    () => command("lab", "up", "--testbed", testbedFile),
  );
  if (labCode !== exitCodes.done) return labCode;
  let id = "";
  // It answers Ctrl-C itself: it detaches, and says which command ends the campaign.
  const code = await run(campaignFile, {
    testbed: testbedFile,
    concluded: true,
    begun: (its) => (id = its),
  });
  if (code === exitCodes.detached) {
    log(
      `the demo's lab and services go on with it; end all of them with: longhaul cancel ${id}; longhaul down`,
    );
    return code;
  }
  return await interruptible(
    `${id} is measured and stored (longhaul report ${id}); end lab and services with: longhaul down`,
    async () => {
      const others = await withStore(state, (store) => othersOnLab(store, id));
      if (others.length > 0) log(`the lab stays up: ${others.join(", ")} goes on with it`);
      const downCode = others.length > 0 ? exitCodes.done : await command("lab", "down");
      const status = await closingLines(state, id);
      if (ledgerIsComplete(status)) return downCode;
      log(`the ledger of ${id} is not complete; see: longhaul status ${id}`);
      return exitCodes.failed;
    },
  );
}

export function demoCommand(program: Command): void {
  program
    .command("demo")
    .description("set up, measure campaigns/demo.yaml on the embedded lab, report")
    .action(async (options: { state?: string }) => {
      const code = await demo(stateFolder(options.state));
      process.exitCode = code;
    });
}
