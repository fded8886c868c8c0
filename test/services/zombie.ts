/** A process that has ended and that nobody reaps, as under a container's PID 1 that never waits. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** Its pid; it is gone when the test is over. */
export async function zombie(): Promise<number> {
  // The shell's place is taken by a program that knows of no child.
  const parent = spawn("sh", ["-c", "sleep 0.1 & echo $!; exec sleep 600"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [text] = (await once(parent.stdout, "data")) as [Buffer];
  return Number(text.toString());
}
