/** The embedded PostgreSQL for the time of one command, when no supervisor keeps it. */
import { setTimeout as delay } from "node:timers/promises";
import { waitForLock } from "./lock.ts";
import type { Lock } from "./lock.ts";
import { isCluster } from "./postgres-cluster.ts";
import {
  freePort,
  postgresReady,
  postgresUrl,
  runningPostgres,
  startPostgres,
} from "./postgres.ts";
import type { PostgresSettings, RunningPostgres } from "./postgres.ts";

const startDeadlineMs = 60_000;

/**
 * The server that runs on the data folder already, or one on a free port. Null when there is no cluster:
 * nothing was ever stored. Commands that borrow at the same time share it: the one that started it
 * waits in `stop` for the others, as it would end with that command (`endWithParent`).
 */
export async function borrowPostgres(
  settings: Omit<PostgresSettings, "port"> & { readonly log: string },
): Promise<RunningPostgres | null> {
  if (!(await isCluster(settings.dataFolder))) return null;
  const lockFile = `${settings.dataFolder}.borrowers`;
  const share = await waitForLock(lockFile, startDeadlineMs, "shared");
  try {
    const { server, started } = await runningOrStarted(settings);
    return {
      ...server,
      stop: async () => {
        share.release();
        if (!started) return;
        const alone: Lock = await waitForLock(lockFile, Infinity);
        await server.stop();
        alone.release();
      },
    };
  } catch (error) {
    share.release();
    throw error;
  }
}

async function runningOrStarted(
  settings: Omit<PostgresSettings, "port"> & { readonly log: string },
): Promise<{ readonly server: RunningPostgres; readonly started: boolean }> {
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    const running = await runningPostgres(settings.dataFolder);
    if (running === null) {
      try {
        const server = await startPostgres({ ...settings, port: await freePort() });
        return { server, started: true };
      } catch (error) {
        // Another command may have been faster; then its server is the one to borrow.
        if ((await runningPostgres(settings.dataFolder)) === null) throw error;
      }
    } else {
      const url = postgresUrl({ ...settings, port: running.port });
      if (await postgresReady(url, settings.dataFolder)) {
        const server = { url, pid: running.pid, stop: () => Promise.resolve() };
        return { server, started: false };
      }
      if (Date.now() > deadline) {
        throw new Error(
          `${settings.dataFolder}: its PostgreSQL (pid ${running.pid}) accepted no connection within ${startDeadlineMs} ms`,
        );
      }
      await delay(50);
    }
  }
}
