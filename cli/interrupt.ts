/** Ctrl-C: what a command answers to it. */
import { exitCodes } from "./program.ts";
import { say } from "./say.ts";

/** A terminal sends Ctrl-C to this process and to its starters, which pass it on: one interrupt, heard several times. */
const echoMs = 500;

/** Calls `act` at each interrupt, until the returned function is called. */
export function onInterrupt(act: () => void): () => void {
  let heardAt = -Infinity;
  const heard = () => {
    const isEcho = performance.now() - heardAt < echoMs;
    heardAt = performance.now();
    if (!isEcho) act();
  };
  process.on("SIGINT", heard);
  return () => void process.off("SIGINT", heard);
}

/** While `act` runs, an interrupt ends this process and says what goes on without it. */
export async function interruptible<T>(goesOn: string, act: () => Promise<T>): Promise<T> {
  const off = onInterrupt(() => {
    say(`\ninterrupted; ${goesOn}`);
    process.exit(exitCodes.detached);
  });
  try {
    return await act();
  } finally {
    off();
  }
}

/** For an act that would leave a half state: an interrupt ends this process when `act` has ended, and says so. */
export async function finishedFirst<T>(what: string, act: () => Promise<T>): Promise<T> {
  let asked = false;
  const off = onInterrupt(() => {
    process.stderr.write(`\ninterrupted; ${what} is finished first, then this ends\n`);
    asked = true;
  });
  try {
    return await act();
  } finally {
    off();
    // An error of `act` would only tell what the interrupt has cut.
    if (asked) process.exit(exitCodes.detached);
  }
}
