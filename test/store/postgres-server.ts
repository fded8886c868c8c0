/** A real PostgreSQL and a store on it for the tests of one file. */
import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { freePort, startPostgres } from "../../services/postgres.ts";
import type { RunningPostgres } from "../../services/postgres.ts";
import { openStore } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";

const testFolder = fileURLToPath(new URL("../../.longhaul/test", import.meta.url));

interface TestServer {
  readonly folder: string;
  readonly running: RunningPostgres;
  /** Starts it again on the same data and port, after a kill or a stop. */
  restart(): Promise<void>;
  remove(): Promise<void>;
}

/** A server of its own in .longhaul/test, which ends with this process at the latest. */
async function startTestServer(): Promise<TestServer> {
  await removeLeftovers();
  const folder = `${testFolder}/store-${process.pid}-${randomBytes(3).toString("hex")}`;
  const settings = {
    dataFolder: `${folder}/postgres`,
    port: await freePort(),
    password: randomBytes(12).toString("base64"),
    log: `${folder}/postgres.log`,
  };
  let running = await startPostgres(settings);
  return {
    folder,
    get running() {
      return running;
    },
    async restart() {
      running = await startPostgres(settings);
    },
    async remove() {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Declares a server and a migrated store for this file's tests; use the members inside tests only. */
export function withStore(): {
  readonly store: Store;
  readonly url: string;
  readonly server: TestServer;
} {
  let made: { store: Store; url: string; server: TestServer } | null = null;
  beforeAll(async () => {
    const server = await startTestServer();
    const { url } = server.running;
    made = { store: openStore(url), url, server };
    await made.store.migrate();
  });
  afterAll(async () => {
    await made?.store.close();
    await made?.server.remove();
  });
  const started = () => {
    if (made === null) throw new Error("withStore: the server starts before the first test");
    return made;
  };
  return {
    get store() {
      return started().store;
    },
    get url() {
      return started().url;
    },
    get server() {
      return started().server;
    },
  };
}

/** Folders of test processes that were killed. Their servers ended with them. */
async function removeLeftovers(): Promise<void> {
  if (!existsSync(testFolder)) return;
  for (const name of await readdir(testFolder)) {
    const pid = /^store-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      await rm(`${testFolder}/${name}`, { recursive: true, force: true });
    }
  }
}
