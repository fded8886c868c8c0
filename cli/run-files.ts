/** The two files of a campaign, read and checked before anything is touched. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseCampaign } from "../model/campaign-schema.ts";
import type { Campaign } from "../model/campaign.ts";
import { expandPlan, type Plan } from "../model/plan.ts";
import type { TestbedFile } from "../model/testbed-file.ts";
import { testbedFacts } from "../model/testbed-limits.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import { UsageError } from "../model/usage-error.ts";

export interface RunFiles {
  readonly campaign: Campaign;
  readonly testbed: TestbedFile;
  /** Absolute: the services and a later `up` find it from anywhere. */
  readonly testbedPath: string;
  /** As far as it can be known without the testbed's calibration. */
  readonly forecast: Plan;
}

const defaultTestbed = "testbeds/lab.yaml";

/** `testbed`: null is the default one of the working directory or, failing that, of this checkout. @throws {UsageError} */
export function readRunFiles(file: string, testbed: string | null, id: string | null): RunFiles {
  const campaign = parseCampaign(contentOf(file, "campaign file"), file);
  const found = readTestbedFile(testbed);
  const forecast = expandPlan(campaign, testbedFacts(found.testbed, null), id ?? campaign.name);
  return { campaign, ...found, forecast };
}

/** null: the default one. @throws {UsageError} */
export function readTestbedFile(file: string | null): Pick<RunFiles, "testbed" | "testbedPath"> {
  const testbedPath = resolve(file ?? presentDefault());
  const text = contentOf(testbedPath, "testbed file");
  return { testbed: parseTestbed(text, file ?? defaultTestbed), testbedPath };
}

/** The default testbed file of the working directory or, failing that, of this checkout. */
export const presentDefault = (): string =>
  existsSync(defaultTestbed) ? defaultTestbed : join(dirname(import.meta.dirname), defaultTestbed);

function contentOf(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UsageError(`${what} ${file} cannot be read; give the path of a YAML file`, { cause });
  }
}
