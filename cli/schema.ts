import type { Command } from "commander";
import { z } from "zod";
import { campaignSchema } from "../model/campaign-schema.ts";
import { testbedSchema } from "../model/testbed-schema.ts";
import { UsageError } from "../model/usage-error.ts";

const schemas = { campaign: campaignSchema, testbed: testbedSchema } as const;

/** JSON Schema (draft 2020-12) of a file as a person writes it: keys with defaults may be left out. */
export const fileSchema = (file: keyof typeof schemas): unknown =>
  z.toJSONSchema(schemas[file], { io: "input" });

/** `longhaul schema campaign|testbed`: for editors. Rules between keys are not in it; `plan` checks them. */
export function schemaCommand(program: Command): void {
  program
    .command("schema")
    .description("prints the JSON Schema of campaign or testbed files, for editors")
    .argument("<file>", `one of: ${Object.keys(schemas).join(", ")}`)
    .action((file: string) => {
      if (!isFile(file))
        throw new UsageError(
          `schema: ${JSON.stringify(file)} is no kind of file; known ones: ${Object.keys(schemas).join(", ")}`,
        );
      process.stdout.write(`${JSON.stringify(fileSchema(file), null, 2)}\n`);
    });
}

const isFile = (file: string): file is keyof typeof schemas => Object.hasOwn(schemas, file);
