/** What a person is told, with commands as they can type them where they are. */
import { shellWord } from "../remote/shell-word.ts";
import { commands } from "./commands.ts";

/** `longhaul`, with a command after it, not as part of a path. */
const ownCommand = new RegExp(
  String.raw`(?<![\w./-])longhaul (?=(--state\b|${Object.keys(commands).join("|")})\b)`,
  "g",
);

const stateFlag = / --state .*$/;

/**
 * Messages of all folders say `longhaul up`; in a checkout that is on nobody's PATH. The starter tells
 * by LONGHAUL_COMMAND how it was called.
 */
export const inTheirWords = (text: string, env: NodeJS.ProcessEnv = process.env): string =>
  text.replaceAll(ownCommand, (_, next: string) => {
    const name = env.LONGHAUL_COMMAND ?? "longhaul";
    // Another state folder is meant than this command's.
    return `${next === "--state" ? name.replace(stateFlag, "") : name} `;
  });

/** One line, or several, on standard error. */
export const say = (line: string): void => void process.stderr.write(`${inTheirWords(line)}\n`);

/** A state folder that was named by the flag is named in every command that a message advises. */
export function rememberStateFlag(state: string, env: NodeJS.ProcessEnv = process.env): void {
  const name = env.LONGHAUL_COMMAND ?? "longhaul";
  const flag = ` --state ${shellWord(state)}`;
  env.LONGHAUL_STATE = state;
  if (!name.endsWith(flag)) env.LONGHAUL_COMMAND = name + flag;
}
