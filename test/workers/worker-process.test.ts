import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../workflows/run.ts";

test("a worker whose servers are not there waits, says so once, and ends on SIGTERM", async () => {
  const state = mkdtempSync(join(tmpdir(), "longhaul-worker-"));
  const root = join(import.meta.dirname, "../..");
  const child = spawn(process.execPath, [join(root, "workers/main.ts")], {
    env: { ...process.env, TEMPORAL_ADDRESS: "", DATABASE_URL: "", LONGHAUL_STATE: state },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  try {
    await until("it says that it waits", () => output.includes("services: waiting"), 15_000);
    child.kill("SIGTERM");
    expect(await exited).toBe(0);
    expect(output.match(/services: waiting/g)).toHaveLength(1);
  } finally {
    child.kill("SIGKILL");
    rmSync(state, { recursive: true });
  }
});
