import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { parseCampaign } from "../model/campaign-schema.ts";
import { expandPlan } from "../model/plan.ts";
import { testbedFacts } from "../model/testbed-limits.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import type { Calibration } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import { endpoints, externalDatabase } from "../services/endpoints.ts";
import { stateFolder } from "../services/state-folder.ts";
import { openStore } from "../store/open-store.ts";
import { diskView } from "./disk-space.ts";
import { planText } from "./plan-text.ts";
import { presentDefault } from "./run-files.ts";

interface PlanOptions {
  readonly testbed?: string;
  readonly state?: string;
  readonly json?: boolean;
}

/** `longhaul plan FILE`: starts nothing and writes nothing. */
export function planCommand(program: Command): void {
  program
    .command("plan")
    .description("validates a campaign and prints its trials, their order, time and disk space")
    .argument("<file>", "campaign file")
    .option("--testbed <file>", "testbed file (default: testbeds/lab.yaml)")
    .action(plan);
}

async function plan(file: string, options: PlanOptions): Promise<void> {
  const campaign = parseCampaign(contentOf(file, "campaign file"), file);
  const testbedFile = options.testbed ?? presentDefault();
  const testbed = parseTestbed(contentOf(testbedFile, "testbed file"), testbedFile);
  const calibrations = await knownCalibrations(testbed.name, options.state);
  const expanded = expandPlan(campaign, testbedFacts(testbed, calibrations), campaign.name);
  const disk = diskView(folderOf(options.state), expanded);
  if (options.json === true) {
    const { trials, omissions, notes, hash, estimate } = expanded;
    const { repetitions, seed } = campaign;
    const view = {
      campaign: campaign.name,
      testbed: testbed.name,
      repetitions,
      seed,
      planned: trials.length,
      calibrationKnown: calibrations !== null,
      estimate,
      disk,
      omissions,
      notes,
      hash,
      trials,
    };
    process.stdout.write(`${JSON.stringify(view, null, 2)}\n`);
    return;
  }
  process.stdout.write(
    planText({
      campaign: campaign.name,
      testbed: testbed.name,
      repetitions: campaign.repetitions,
      calibrated: calibrations !== null,
      plan: expanded,
      disk,
    }),
  );
}

/** @throws {UsageError} the file cannot be read. */
function contentOf(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UsageError(`${what} ${file} cannot be read`, { cause: error });
  }
}

const folderOf = (state: string | undefined): string =>
  resolve(state ?? process.env.LONGHAUL_STATE ?? ".longhaul");

/** null: there is no store here, or it does not run; nothing is started for a plan. */
async function knownCalibrations(
  testbed: string,
  state: string | undefined,
): Promise<readonly Calibration[] | null> {
  const folder = folderOf(state);
  const external = externalDatabase(process.env);
  if (external === null && !existsSync(join(folder, "services.json"))) return null;
  const store = openStore(external ?? endpoints(stateFolder(folder)).databaseUrl);
  try {
    return await store.calibrations(testbed);
  } catch (error) {
    process.stderr.write(
      `calibrations are not known: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    return null;
  } finally {
    await store.close();
  }
}
