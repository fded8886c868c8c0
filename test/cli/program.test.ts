import type { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { commands } from "../../cli/commands.ts";
import { problemText } from "../../cli/problem.ts";
import { exitCodes, runProgram } from "../../cli/program.ts";
import { UsageError } from "../../model/usage-error.ts";

let told = "";
let shown = "";
let seen: { words: unknown[]; options: Record<string, unknown> } | null = null;

beforeEach(() => {
  told = "";
  shown = "";
  seen = null;
  vi.spyOn(process.stderr, "write").mockImplementation((text) => Boolean((told += String(text))));
  vi.spyOn(process.stdout, "write").mockImplementation((text) => Boolean((shown += String(text))));
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
  delete process.env.LONGHAUL_STATE;
});

const look = (program: Command) => {
  program
    .command("look")
    .description("looks")
    .argument("<id>", "what at")
    .option("--deep", "looks deeper")
    .action((id: string, options: Record<string, unknown>) => {
      seen = { words: [id], options };
    });
};
const nest = (program: Command) => {
  const group = program.command("nest").description("has commands of its own");
  group.command("egg").action(() => undefined);
  group.command("bird").action(() => undefined);
};
const failing = (error: unknown) => (program: Command) => {
  program.command("fail").action(() => {
    throw error;
  });
};
const leaving = (program: Command) => {
  program.command("leave").action(() => {
    process.exitCode = exitCodes.detached;
  });
};
const run = (...argv: string[]) =>
  runProgram(argv, {
    look: async () => look,
    nest: async () => nest,
    leave: async () => leaving,
  });
const runFailing = (error: unknown) => runProgram(["fail"], { fail: async () => failing(error) });

describe("the command line", () => {
  test("answers 0 when the command is done, and the command's own code otherwise", async () => {
    expect(await run("look", "here")).toBe(0);
    expect(await run("leave")).toBe(130);
  });

  test("an unknown command is wrong use and lists the known ones", async () => {
    expect(await run("lok")).toBe(2);
    expect(told).toBe('longhaul: unknown command "lok"; known ones: look, nest, leave\n');
  });

  test("an unknown command of a group lists those of the group", async () => {
    expect(await run("nest", "fox")).toBe(2);
    expect(told).toBe(
      "longhaul: longhaul nest: unknown command 'fox'; known commands: egg, bird\n",
    );
  });

  test("an unknown flag is wrong use and lists the known ones", async () => {
    expect(await run("look", "here", "--dep")).toBe(2);
    expect(told).toBe(
      "longhaul: longhaul look: unknown option '--dep'; known flags: --deep, --state, --json, --help\n",
    );
  });

  test("a missing argument is wrong use and shows the usage", async () => {
    expect(await run("look")).toBe(2);
    expect(told).toBe(
      "longhaul: longhaul look: missing required argument 'id'; usage: longhaul look [options] <id>\n",
    );
  });

  test("a word too many is wrong use", async () => {
    expect(await run("look", "here", "there")).toBe(2);
    expect(told).toContain("too many arguments");
  });

  test.each([
    [["look", "here", "--json", "--state", "/tmp/x"]],
    [["--json", "--state", "/tmp/x", "look", "here"]],
  ])("--json and --state reach the command wherever they stand: %j", async (argv) => {
    expect(await run(...argv)).toBe(0);
    expect(seen).toEqual({ words: ["here"], options: { json: true, state: "/tmp/x" } });
    expect(process.env.LONGHAUL_STATE).toBe("/tmp/x");
  });

  test("help goes to standard output and is no failure", async () => {
    expect(await run("--help")).toBe(0);
    expect(shown).toContain("look [options] <id>");
    expect(await run("look", "--help")).toBe(0);
    expect(shown).toContain("looks deeper");
  });

  test("without a command it is wrong use, and the help says what there is", async () => {
    expect(await run()).toBe(2);
    expect(shown + told).toContain("has commands of its own");
  });

  test("imports the file of the one command that is called", async () => {
    const other = vi.fn();
    expect(await runProgram(["look", "x"], { look: async () => look, other })).toBe(0);
    expect(other).not.toHaveBeenCalled();
  });
});

describe("errors", () => {
  test("wrong use is one sentence without a stack, exit 2", async () => {
    expect(await runFailing(new UsageError("repetitions: 0 is too small"))).toBe(2);
    expect(told).toBe("longhaul: repetitions: 0 is too small\n");
  });

  test("anything else comes with its causes, exit 1", async () => {
    const cause = new Error("connect ECONNREFUSED 127.0.0.1:1");
    expect(await runFailing(new Error("Temporal does not answer", { cause }))).toBe(1);
    expect(told).toBe(
      "longhaul: Temporal does not answer\n  because: connect ECONNREFUSED 127.0.0.1:1\n",
    );
  });

  test("causes end after five", () => {
    let error = new Error("0");
    for (let depth = 1; depth < 9; depth += 1) error = new Error(String(depth), { cause: error });
    expect(problemText(error).trimEnd().split("\n")).toHaveLength(6);
  });

  test("the messages of an AggregateError without one are told", () => {
    expect(problemText(new AggregateError([new Error("a refused"), new Error("b refused")]))).toBe(
      "longhaul: a refused; b refused\n",
    );
  });

  test("a defect of the program shows its stack", () => {
    expect(problemText(new TypeError("x is not a function"))).toContain("program.test.ts");
  });
});

test("every command can be loaded and registers under its name", async () => {
  const { Command: Program } = await import("commander");
  for (const [name, load] of Object.entries(commands)) {
    const program = new Program();
    (await load())(program);
    expect(program.commands.map((command) => command.name())).toContain(name);
  }
});
