/** The command line as a whole: global flags, which command file is needed, and what every exit code means. */
import { Command, CommanderError } from "commander";
import { UsageError } from "../model/usage-error.ts";
import { type AddCommand, commands } from "./commands.ts";
import { problemText } from "./problem.ts";
import { inTheirWords, rememberStateFlag } from "./say.ts";

export const exitCodes = {
  done: 0,
  failed: 1,
  wrongUse: 2,
  notAllValid: 3,
  detached: 130,
} as const;

/**
 * Runs one command line (without `node` and the script) and returns its exit code. What a command
 * throws is printed on standard error: a `UsageError` by its sentence, anything else with its causes.
 */
export async function runProgram(
  argv: readonly string[],
  known: Readonly<Record<string, () => Promise<AddCommand>>> = commands,
  version = "unknown",
): Promise<number> {
  try {
    const name = firstOperand(argv);
    if (name !== undefined && name !== "help" && !(name in known))
      throw new UsageError(
        `unknown command ${JSON.stringify(name)}; known ones: ${Object.keys(known).join(", ")}`,
      );
    const program = emptyProgram(version);
    const needed = name !== undefined && name in known ? [name] : Object.keys(known);
    for (const each of needed) (await known[each]?.())?.(program);
    strict(program);
    await program.parseAsync([...argv], { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : exitCodes.done;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.done;
    if (error instanceof CommanderError && error.code === "commander.help")
      return exitCodes.wrongUse;
    process.stderr.write(inTheirWords(problemText(error)));
    const wrongUse = error instanceof UsageError || error instanceof CommanderError;
    return wrongUse ? exitCodes.wrongUse : exitCodes.failed;
  }
}

function emptyProgram(version: string): Command {
  return new Command("longhaul")
    .description("Long, unattended measurement campaigns on virtual routers.")
    .version(version)
    .option("--state <dir>", "state folder (also LONGHAUL_STATE; default: .longhaul)")
    .option("--json", "one JSON document on standard output, nothing else")
    .configureOutput({ outputError: () => undefined })
    .showSuggestionAfterError(false)
    .hook("preAction", (program, action) => {
      // Both flags belong to the program, wherever they stand; a command finds them among its own.
      const { state, json } = program.opts<{ state?: string; json?: boolean }>();
      if (state !== undefined) {
        rememberStateFlag(state);
        action.setOptionValue("state", state);
      }
      if (json !== undefined) action.setOptionValue("json", json);
    });
}

/** Commander exits by itself and prints half of what is known; here it throws and names the known ones. */
function strict(command: Command): void {
  command.exitOverride((error) => {
    throw wrongUse(error, command);
  });
  command.configureOutput({ outputError: () => undefined });
  command.showSuggestionAfterError(false);
  for (const child of command.commands) strict(child);
}

function wrongUse(error: CommanderError, command: Command): Error {
  const sentence = error.message.replace(/^error: /, "");
  const name = fullName(command);
  const listed = (what: string, words: readonly (string | undefined)[]) =>
    new UsageError(
      `${name}: ${sentence}; known ${what}: ${words.filter((word) => word !== undefined).join(", ")}`,
    );
  if (error.code === "commander.unknownCommand")
    return listed(
      "commands",
      command.commands.map((child) => child.name()),
    );
  if (error.code === "commander.unknownOption")
    return listed("flags", [...new Set([...flagsOf(command), "--state", "--json", "--help"])]);
  if (/^commander\.(help|version)/.test(error.code)) return error;
  return new UsageError(`${name}: ${sentence}; usage: ${name} ${command.usage()}`);
}

const flagsOf = (command: Command) => command.options.map((option) => option.long ?? option.short);

function fullName(command: Command): string {
  return command.parent ? `${fullName(command.parent)} ${command.name()}` : command.name();
}

/** The first word that is neither a global flag nor its value. */
function firstOperand(argv: readonly string[]): string | undefined {
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? "";
    if (word === "--state") index += 1;
    else if (!word.startsWith("-")) return word;
  }
  return undefined;
}
