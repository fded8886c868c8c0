import type { Command } from "commander";
import { stateFolderAsItIs } from "../services/state-folder.ts";
import { machineChecks } from "./doctor-machine.ts";
import { serverChecks } from "./doctor-servers.ts";
import { testbedChecks } from "./doctor-testbed.ts";
import { inTheirWords } from "./say.ts";

export interface Check {
  readonly name: string;
  readonly result: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What mends it, where it can be said as a command; one way a line. Null when nothing need be. */
  readonly mend: string | null;
}

/** One line for a check, and a second for what mends it. */
export const checkLines = ({ name, result, detail, mend }: Check): string[] => [
  `${result.padEnd(5)} ${name}: ${detail}`,
  ...(mend === null ? [] : [`      mend: ${mend.replaceAll("\n", "\n            ")}`]),
];

/** Those that are not ok, as an error names them. */
export const failedLines = (checks: readonly Check[]): string[] =>
  checks
    .filter(({ result }) => result === "fail")
    .flatMap(({ name, detail, mend }) => [
      `  ${name}: ${detail}`,
      ...(mend === null ? [] : [`    mend: ${mend.replaceAll("\n", "\n          ")}`]),
    ]);

export function doctorCommand(program: Command): void {
  program
    .command("doctor")
    .description("look at this machine, the services and the testbed; touch nothing")
    .option("--testbed <file>", "also look whether this testbed's hosts can be reached")
    .action(async (options: { state?: string; json?: boolean; testbed?: string }) => {
      const state = stateFolderAsItIs(options.state);
      const testbed =
        options.testbed === undefined ? [] : await testbedChecks(state, options.testbed);
      const checks = [...(await machineChecks(state)), ...(await serverChecks(state)), ...testbed];
      if (options.json) {
        const ok = checks.every(({ result }) => result !== "fail");
        console.log(JSON.stringify({ ok, checks }, null, 2));
      } else for (const check of checks) console.log(inTheirWords(checkLines(check).join("\n")));
    });
}
