/** The store for the time of one command: the one that runs, or the embedded one started for it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../model/usage-error.ts";
import { endpoints, externalDatabase } from "../services/endpoints.ts";
import { postgresPassword } from "../services/postgres-password.ts";
import { borrowPostgres } from "../services/borrowed-postgres.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { openStore } from "../store/open-store.ts";
import { type Store, StoreUnavailable } from "../store/store.ts";

/**
 * Opens the store, and closes it afterwards. After `down` the embedded PostgreSQL is started for
 * `use` alone and stopped again.
 * @throws {StoreUnavailable} PostgreSQL cannot be reached or started.
 * @throws {UsageError} it was never made here: there is nothing that could be asked for.
 */
export async function withStore<Result>(
  state: StateFolder,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  const server = await reachServer(state);
  const store = openStore(server.url);
  try {
    await store.migrate();
    return await use(store);
  } finally {
    await store.close();
    await server.stop();
  }
}

async function reachServer(state: StateFolder): Promise<{ url: string; stop(): Promise<void> }> {
  const supervised = servicesStatus(state).supervisor.state === "running";
  const stop = () => Promise.resolve();
  // A real server needs nothing of this folder, where Temporal may never have been started.
  const external = externalDatabase(process.env);
  if (external !== null) return { url: external, stop };
  if (supervised) return { url: endpoints(state).databaseUrl, stop };
  const borrowed = await borrow(state);
  if (borrowed !== null) return borrowed;
  throw new UsageError(
    `${state.path}: no campaign was ever planned in this state folder; \`longhaul run FILE\` plans one`,
  );
}

async function borrow(state: StateFolder) {
  if (!storeExists(state)) return null;
  try {
    return await borrowPostgres({
      dataFolder: state.postgres,
      password: postgresPassword(state),
      log: join(state.logs, "postgres.log"),
    });
  } catch (cause) {
    throw new StoreUnavailable(`${state.path}: the embedded PostgreSQL does not start`, { cause });
  }
}

/** False: nothing was ever stored here, and a command that only reads need not make a database. */
export const storeExists = (state: StateFolder): boolean =>
  externalDatabase(process.env) !== null || existsSync(join(state.postgres, "PG_VERSION"));
