/** A process that ends when it is told to and that nobody reaps, as under a container's PID 1 that never waits. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { onTestFinished, vi } from "vitest";

/** Lives until `end` is called; it is gone when the test is over. */
export async function zombie(): Promise<{ readonly pid: number; readonly end: () => void }> {
  // A shell's background job has no standard input unless it is given another descriptor.
  const script = "cat <&3 >/dev/null & echo $!; exec sleep 600 3<&-";
  const parent = spawn("sh", ["-c", script], { stdio: ["ignore", "pipe", "ignore", "pipe"] });
  onTestFinished(() => void parent.kill("SIGKILL"));
  const [, said, , held] = parent.stdio;
  const [text] = (await once(said!, "data")) as [Buffer];
  // The shell's place is taken by a program that knows of no child; the shell itself would reap it.
  const program = () => readFileSync(`/proc/${parent.pid}/comm`, "utf8").trim();
  await vi.waitUntil(() => program() === "sleep", 10_000);
  return { pid: Number(text.toString()), end: () => void held?.destroy() };
}
