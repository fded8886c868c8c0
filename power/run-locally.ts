/** One command on the controller, by its argument vector: no shell. */
import { execa } from "execa";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";

/** A management controller that is being reset was seen to take tens of seconds (ipmitool retries by itself). */
const deadlineMs = 60_000;

/** Standard output. @throws {CommandFailed} @throws {NoExitStatus} it did not start, or took too long */
export async function runLocally(argv: readonly string[]): Promise<string> {
  const [file = "", ...rest] = argv;
  const start = performance.now();
  const result = await execa(file, rest, { reject: false, timeout: deadlineMs, stdin: "ignore" });
  const { exitCode, stdout, stderr } = result;
  if (exitCode === undefined)
    throw new NoExitStatus(
      `controller: \`${argv.join(" ")}\`: ${result.shortMessage ?? "no exit status"}\nstderr:\n${stderr}`,
    );
  const durationMs = performance.now() - start;
  if (exitCode !== 0)
    throw new CommandFailed("controller", argv, { exitCode, stdout, stderr, durationMs });
  return stdout;
}
