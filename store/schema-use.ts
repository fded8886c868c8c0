/**
 * Workers use the store's schema for as long as they run, and say so by a lock that PostgreSQL lets go
 * when they die. A migration that would break them waits for it, and they see that it waits.
 */
import pg from "pg";
import { connectionSettings, reached } from "./database.ts";
import type { Session } from "./database.ts";

/** Key of the advisory lock: shared by workers, taken alone by a breaking migration. */
const useKey = 0x4c6f6e68;
/** A worker sees within seconds that it is waited for, and ends what it has in hand. */
const patienceMs = 60_000;
/** SQLSTATE lock_not_available. */
const notAvailable = "55P03";

export interface SchemaUse {
  /** null: go on. Else why this program must not use the store any longer. @throws {StoreUnavailable} */
  whyStop(): Promise<string | null>;
  end(): Promise<void>;
}

/**
 * Begins to use the schema; its lock lives on a connection of its own, which is made anew when it broke.
 * `known`: the schema files of this program.
 * @throws {StoreUnavailable}
 */
export async function useSchema(url: string, known: readonly string[]): Promise<SchemaUse> {
  let client: pg.Client | null = null;
  let holds = false;
  const lost = (): void => {
    client = null;
    holds = false;
  };
  const connected = async (): Promise<pg.Client> => {
    if (client !== null) return client;
    const fresh = new pg.Client(connectionSettings(url));
    fresh.on("error", lost);
    fresh.on("end", lost);
    await reached(url, fresh.connect());
    client = fresh;
    return fresh;
  };
  /** Not waited for: who must go before a migration is told so by `whyStop`. */
  const hold = async (): Promise<pg.Client> => {
    const on = await connected();
    if (holds) return on;
    const { rows } = await reached(
      url,
      on.query<{ held: boolean }>("SELECT pg_try_advisory_lock_shared($1) AS held", [useKey]),
    );
    holds = rows[0]?.held === true && client === on;
    return on;
  };
  await hold();
  return {
    async whyStop() {
      const on = await hold();
      const { rows } = await reached(
        url,
        on.query<{ waited: boolean; foreign: string | null }>(
          `SELECT EXISTS (
             SELECT FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND NOT granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid = 0 AND objid = $1 AND objsubid = 1) AS waited,
             (SELECT min(name) FROM schema_migration WHERE breaking AND name <> ALL ($2)) AS foreign`,
          [useKey, [...known]],
        ),
      );
      const [found] = rows;
      if (found === undefined) return null;
      if (found.foreign !== null)
        return `a newer Longhaul has changed the store (${found.foreign})`;
      return found.waited ? "a newer Longhaul waits to change the store" : null;
    },
    async end() {
      await client?.end();
    },
  };
}

/** Waits until no worker uses the schema, and keeps new ones out until the transaction ends. @throws naming what to do. */
export async function untilUnused(session: Session): Promise<void> {
  await session.execute(`SET LOCAL lock_timeout = ${patienceMs}`);
  try {
    await session.execute("SELECT pg_advisory_xact_lock($1)", [useKey]);
  } catch (error) {
    if ((error as { code?: string }).code !== notAvailable) throw error;
    throw new Error(
      `the store's schema is to be changed, and an older worker has used it for ${patienceMs / 1000} s; ` +
        "end that worker (`longhaul down` where it runs) and try again",
      { cause: error },
    );
  }
  await session.execute("SET LOCAL lock_timeout = 0");
}
