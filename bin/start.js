/** Hands a command line over to the program proper, on the Node that package.json pins. */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { checkout, ensureDependencies, pinnedNode } from "./dependencies.js";

/** What may run on outdated dependencies: it ends the processes that keep them from being renewed. */
const mayRunOutdated = ["down"];

/**
 * Ensures the dependencies and runs a program of this checkout (`cli/main.ts`) with these arguments; ends
 * as it ends, with its exit code or by its signal.
 */
export async function start(args, program = join("cli", "main.ts")) {
  const problem = await ensureDependencies();
  if (problem !== null) {
    const tolerated =
      args.some((word) => mayRunOutdated.includes(word)) && existsSync(pinnedNode());
    process.stderr.write(`longhaul: ${problem}\n`);
    if (!tolerated) {
      process.exitCode = 1;
      return;
    }
  }
  await run(pinnedNode(), [join(checkout, program), ...args]);
}

/** How this program is called from here: messages advise commands that can be typed. */
function calledAs() {
  if (process.env.npm_command === "exec") return "npx longhaul";
  const script = join(checkout, "bin", "longhaul");
  const onPath = (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, "longhaul"))
    .find((file) => existsSync(file));
  if (onPath !== undefined && realpathSync(onPath) === realpathSync(script)) return "longhaul";
  const fromHere = relative(process.cwd(), script);
  const shortest = fromHere.startsWith("..")
    ? script
    : fromHere.replace(/^longhaul$/, "./longhaul");
  return /[^\w./-]/.test(shortest) ? `'${shortest.replaceAll("'", `'\\''`)}'` : shortest;
}

/** Runs a program in the foreground; its end becomes the end of this process. */
export async function run(program, args) {
  const env = { ...process.env, LONGHAUL_COMMAND: calledAs() };
  env.PATH = [dirname(pinnedNode()), env.PATH].filter(Boolean).join(delimiter);
  const child = spawn(program, args, { stdio: "inherit", env });
  // A terminal sends Ctrl-C to both of us; sent on as well it arrives twice, which the program knows to be one.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
    process.on(signal, () => void child.kill(signal));
  const [code, signal] = await new Promise((settle, reject) => {
    child.once("error", reject);
    child.once("exit", (...end) => settle(end));
  });
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
}
