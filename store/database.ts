/** Connections to PostgreSQL. A server that dies or cannot be reached is `StoreUnavailable`, never the end of this process. */
import pg from "pg";
import { camelRow, columnTypes } from "./rows.ts";
import { StoreUnavailable } from "./store.ts";

/** Runs statements one by one, or those of one transaction. Rows come with camelCase keys. */
export interface Session {
  /** The type is the caller's word for what its own SQL selects. */
  rows<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Number of rows that were changed. */
  execute(sql: string, values?: readonly unknown[]): Promise<number>;
}

export interface Database extends Session {
  readonly url: string;
  /** Commits what `body` did, or nothing. `body` may run again after a deadlock. */
  transaction<Result>(body: (session: Session) => Promise<Result>): Promise<Result>;
  close(): Promise<void>;
}

const statementTimeoutMs = 60_000;
const deadlock = "40P01";

/** Settings of every connection, the pool's and the series writer's. `limitMs` of a statement; null: none. */
export const connectionSettings = (
  url: string,
  limitMs: number | null = statementTimeoutMs,
): pg.ClientConfig => ({
  connectionString: url,
  application_name: "longhaul",
  connectionTimeoutMillis: 10_000,
  // The second, a little later, ends the wait for a server that is stopped or cut off and so cannot keep its own.
  ...(limitMs === null ? {} : { statement_timeout: limitMs, query_timeout: (limitMs * 7) / 6 }),
  idle_in_transaction_session_timeout: statementTimeoutMs,
  keepAlive: true,
  types: columnTypes,
});

/** Connects at the first statement, not here. `limitMs`: how long a statement may take; null: as long as it takes. */
export function openDatabase(url: string, limitMs: number | null = statementTimeoutMs): Database {
  const pool = new pg.Pool({ ...connectionSettings(url, limitMs), max: 8, allowExitOnIdle: true });
  // A connection that breaks says so to whoever waits on it; unheard events would end the process.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));

  const session = (client: pg.Pool | pg.PoolClient): Session => ({
    async rows<Row>(sql: string, values: readonly unknown[] = []) {
      const result = await reached(url, client.query(sql, [...values]));
      return result.rows.map(camelRow) as Row[];
    },
    async execute(sql, values = []) {
      const result = await reached(url, client.query(sql, [...values]));
      return result.rowCount ?? 0;
    },
  });

  const once = async <Result>(body: (session: Session) => Promise<Result>): Promise<Result> => {
    const client = await reached(url, pool.connect());
    let broken: Error | undefined;
    try {
      await reached(url, client.query("BEGIN"));
      const result = await body(session(client));
      await reached(url, client.query("COMMIT"));
      return result;
    } catch (error) {
      await client.query("ROLLBACK").catch((cause: unknown) => {
        broken = new Error("the transaction could not be rolled back", { cause });
      });
      throw error;
    } finally {
      client.release(broken);
    }
  };

  return {
    url,
    ...session(pool),
    async transaction(body) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await once(body);
        } catch (error) {
          if (codeOf(error) !== deadlock || tries === 5) throw error;
        }
      }
    },
    close: () => pool.end(),
  };
}

/** The same promise, but out of reach is `StoreUnavailable`. */
export async function reached<Result>(url: string, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw isOutOfReach(error) ? unavailable(url, error) : error;
  }
}

/** Says which server, what happened and the next step; never the password. */
export function unavailable(url: string, cause: unknown): StoreUnavailable {
  const [what, help] =
    codeOf(cause) === diskFull
      ? ["PostgreSQL's disk is full", "Make room there; results wait meanwhile."]
      : [
          "PostgreSQL cannot be reached",
          "Start the embedded one with `longhaul up`, or check DATABASE_URL.",
        ];
  return new StoreUnavailable(`store at ${placeOf(url)}: ${what}: ${reasonOf(cause)}\n${help}`, {
    cause,
  });
}

/**
 * True for what a later try may mend: no connection, a server that starts or stops, too many
 * clients, no space on its disk, no memory, a timeout; and for a refused login, which a person must mend.
 */
export function isOutOfReach(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null) return outOfReachCode.test(code);
  return error instanceof Error && outOfReachMessage.test(error.message);
}

/** Node's socket errors, and SQLSTATEs: PostgreSQL manual, appendix A. */
const outOfReachCode =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST\w+|ENET\w+|ENOENT|08...|28...|3D000|53[0-3]00|57P0.|57014|25P03)$/;
const diskFull = "53100";
/** `pg` 8.23 gives these no code. */
const outOfReachMessage =
  /^(Connection terminated|timeout exceeded when trying|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed and is not queryable)/i;

function codeOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** Both addresses of a host that refuse come as one AggregateError without a message. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}

function placeOf(url: string): string {
  if (!URL.canParse(url)) return "DATABASE_URL";
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}
