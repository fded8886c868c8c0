/** Another worker of a bench's state folder, as the one that takes over from a stopped one. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { ownBench } from "./own-bench.ts";

/** @returns what ends it. */
export function secondWorker({ state }: ReturnType<typeof ownBench>): () => Promise<void> {
  const child = spawn(process.execPath, ["workers/main.ts"], {
    cwd: join(import.meta.dirname, "../.."),
    env: {
      ...process.env,
      LONGHAUL_STATE: state.path,
      LONGHAUL_CACHE: state.cache,
      LONGHAUL_SERVICE_OF: state.path,
    },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  return async () => {
    child.kill("SIGTERM");
    await ended;
  };
}
