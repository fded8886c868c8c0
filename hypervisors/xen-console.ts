/**
 * The guest's console under Xen, and commands in the guest over it: lab/guest/commands.sh answers there,
 * between the console's other lines. xenconsoled keeps all that the guest says in a log; a line for the guest
 * is written to the terminal that xenconsoled has opened for it.
 */
import { randomUUID } from "node:crypto";
import type { GuestSpec } from "../model/guest.ts";
import type { Agent } from "../remote/agent.ts";
import { shellWord } from "../remote/shell-word.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import { consoleLogs } from "./xen-config.ts";

/** Stands for the line feeds of an answer, which is one line. */
const recordSeparator = "\u001e";
const answerMs = 60_000;

/**
 * Arguments: id, command, seconds, guest, LOG…. Prints the answer's line. The terminal is found by the
 * domain's number; written to raw, or it would turn the answer of the guest back to it.
 */
const askScript = `
id=$1 command=$2 seconds=$3 guest=$4; shift 4
domid=$(xl domid "$guest") || exit 3
terminal=$(xenstore-read "/local/domain/$domid/console/tty") || exit 3
[ -c "$terminal" ] || exit 3
printf '\\n%s %s\\n' "$id" "$command" >"$terminal"
tries=$((seconds * 10))
until cat "$@" 2>/dev/null | grep -a "^longhaul $id [0-9]* .*$"; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || exit 4
  sleep 0.1
done
`;

/** @throws {CommandFailed} the guest's shell said no @throws {NoExitStatus} the guest does not answer */
export const askXenGuest = async (
  agent: Agent,
  guest: GuestSpec,
  argv: readonly string[],
): Promise<string> => {
  const id = randomUUID().slice(0, 8);
  const command = argv.map(shellWord).join(" ");
  const seconds = String(answerMs / 1000);
  const asked = await agent.read(
    ["sh", "-c", askScript, "sh", id, command, seconds, guest.name, ...consoleLogs(guest.name)],
    { timeoutMs: answerMs + 10_000 },
  );
  if (asked.exitCode !== 0)
    throw new NoExitStatus(
      `${agent.host}: \`${argv.join(" ")}\` in ${guest.name}: ${asked.exitCode === 3 ? "no console of it is open" : `no answer within ${answerMs} ms`}\n${asked.stderr}`,
    );
  const [, status, output = ""] = /^longhaul \S+ (\d+) (.*?)\r?\n/s.exec(asked.stdout) ?? [];
  const stdout = output.replaceAll(recordSeparator, "\n");
  if (status === "0") return stdout;
  const { durationMs } = asked;
  const exitCode = Number(status);
  const result = { exitCode, stdout, stderr: "", durationMs };
  throw new CommandFailed(`guest on ${agent.host}`, argv, result);
};

/** All that is known of what this guest said on this host; what it said on its way in comes last. */
export const consoleText = async (agent: Agent, guest: GuestSpec): Promise<string> => {
  const paths = consoleLogs(guest.name);
  const files = await agent.readFiles(paths);
  return paths.map((path) => files[path] ?? "").join("");
};
