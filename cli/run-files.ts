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
  const testbedPath = resolve(testbed ?? presentDefault());
  const bed = parseTestbed(contentOf(testbedPath, "testbed file"), testbed ?? defaultTestbed);
  const forecast = expandPlan(campaign, testbedFacts(bed, null), id ?? campaign.name);
  return { campaign, testbed: bed, testbedPath, forecast };
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
