/** Commands in the guest, over its paravirtual console: lab/guest/commands.sh answers there. */
import { randomUUID } from "node:crypto";
import type { Agent } from "../remote/agent.ts";
import { CommandFailed } from "../remote/shell.ts";

/** Stands for the line feeds of an answer, which is one line. */
const recordSeparator = "\u001e";

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** @throws {CommandFailed} the guest's shell said no @throws {NoExitStatus} the guest does not answer */
export const askGuest = async (
  agent: Agent,
  socket: string,
  argv: readonly string[],
): Promise<string> => {
  // An id of its own: an answer that a broken conversation left on the line is not taken for this one.
  const id = randomUUID().slice(0, 8);
  const started = performance.now();
  const [line = ""] = await agent.converse(null, socket, [
    // The empty line ends whatever a broken conversation left half said.
    { send: `\n${id} ${argv.map(quoted).join(" ")}`, until: `^longhaul ${id} \\d+ ` },
  ]);
  const [, status, output = ""] = /^longhaul \S+ (\d+) (.*)$/s.exec(line) ?? [];
  const stdout = output.replaceAll(recordSeparator, "\n");
  if (status === "0") return stdout;
  throw new CommandFailed(`guest on ${agent.host}`, argv, {
    exitCode: Number(status),
    stdout,
    stderr: "",
    durationMs: performance.now() - started,
  });
};
