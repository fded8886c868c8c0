import { readFileSync } from "node:fs";
import { labTestbed } from "../lab/lab.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import { UsageError } from "../model/usage-error.ts";
import { openHosts } from "../remote/hosts.ts";
import type { StateFolder } from "../services/state-folder.ts";
import type { Check } from "./doctor.ts";

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new UsageError(`--testbed ${file}: cannot be read; give the path of a testbed file`, {
      cause,
    });
  }
}

/** One check for each host: can it be reached, and does its agent answer. @throws {UsageError} a bad file. */
export async function testbedChecks(state: StateFolder, file: string): Promise<Check[]> {
  const described = parseTestbed(read(file), file);
  const testbed = described.kind === "lab" ? labTestbed(state) : described;
  if (testbed === null) return [{ name: "lab", result: "ok", detail: "not up", mend: null }];
  const hosts = openHosts(testbed);
  try {
    return await Promise.all(
      Object.values(testbed.hosts).map(async ({ name }): Promise<Check> => {
        try {
          const agent = await hosts.agent(name);
          const { bootId } = await agent.identity();
          return { name: `host ${name}`, result: "ok", detail: `boot ${bootId}`, mend: null };
        } catch (error) {
          return {
            name: `host ${name}`,
            result: "fail",
            detail: (error instanceof Error ? error.message : String(error)).replace(
              `${name}: `,
              "",
            ),
            mend:
              described.kind === "lab"
                ? `longhaul lab power ${name} cycle`
                : `look at its reach in ${file}, and at the host itself`,
          };
        }
      }),
    );
  } finally {
    await hosts.close();
  }
}
