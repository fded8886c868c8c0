/** A question that only `y` or `yes` answers with yes. */
import { createInterface } from "node:readline/promises";

/** Asks on standard error, so that standard output stays the command's. */
export async function confirm(question: string): Promise<boolean> {
  const dialogue = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await dialogue.question(`${question} [y/N] `)).trim());
  } finally {
    dialogue.close();
  }
}
