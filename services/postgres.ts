/**
 * The embedded PostgreSQL: listens on 127.0.0.1 only, with a password, keeps its data in one folder.
 *
 * A supervisor calls `stopPostgres` (what an earlier supervisor left), `preparePostgres`, spawns
 * `postgresCommand`, waits for `postgresReady`, and ends it with `postgresStopSignal`. Everybody
 * else starts one for the time of a command: `borrowPostgres` (borrowed-postgres.ts).
 */
import { spawn } from "node:child_process";
import { mkdir, open } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { postgresEnvironment, postgresProgram } from "./postgres-binaries.ts";
import {
  createCluster,
  databaseName,
  databaseUser,
  isSameFolder,
  mendCluster,
  runningPostgres,
  waitUntilUnused,
} from "./postgres-cluster.ts";

export { runningPostgres } from "./postgres-cluster.ts";

export interface PostgresSettings {
  readonly dataFolder: string;
  readonly port: number;
  /** Set when the cluster is made, and needed ever after. */
  readonly password: string;
}

export interface RunningPostgres {
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** "Fast shutdown": clients are cut, nothing is lost. SIGTERM would wait for every client to leave. */
export const postgresStopSignal = "SIGINT";

const startDeadlineMs = 60_000;
const stopDeadlineMs = 30_000;

export const postgresUrl = (settings: Pick<PostgresSettings, "port" | "password">): string =>
  `postgresql://${databaseUser}:${encodeURIComponent(settings.password)}@127.0.0.1:${settings.port}/${databaseName}`;

/**
 * Makes the cluster if there is none and mends what an unclean end left. Call it before every start.
 * @throws when a PostgreSQL runs on the data folder, or when another major version made it
 */
export async function preparePostgres(settings: PostgresSettings): Promise<void> {
  await createCluster(settings.dataFolder, settings.password);
  await mendCluster(settings.dataFolder);
}

/**
 * argv of the server in the foreground; it logs to stderr. The pid spawned is the postmaster's.
 * `endWithParent`: the kernel stops it when the thread that spawned it ends, however that ends.
 */
export function postgresCommand(
  settings: PostgresSettings,
  options: { readonly endWithParent?: boolean } = {},
): readonly string[] {
  const values = {
    listen_addresses: "127.0.0.1",
    port: settings.port,
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
    fsync: "on",
    shared_buffers: "64MB",
    max_connections: 60,
    max_wal_size: "512MB",
    // A machine that measures has no cores to spare for helpers.
    max_parallel_workers_per_gather: 0,
    io_method: "sync",
    jit: "off",
    // Shared memory as files in the data folder: nothing is left in /dev/shm.
    dynamic_shared_memory_type: "mmap",
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    log_line_prefix: "%m [%p] ",
  };
  const flags = Object.entries(values).flatMap(([key, value]) => ["-c", `${key}=${value}`]);
  const dataFolder = resolve(settings.dataFolder);
  return postgresProgram(
    "postgres",
    dataFolder,
    ["-D", dataFolder, ...flags],
    options.endWithParent === true ? { signalWhenParentDies: "INT" } : {},
  );
}

/** Connects, and asks the server where its data lie. */
async function answeringFolder(url: string): Promise<string> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 2000,
    query_timeout: 5000,
  });
  // Without a listener a server that dies between two lines would end this process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const answer = await client.query<{ data_directory: string }>("SHOW data_directory");
    return String(answer.rows[0]?.data_directory);
  } finally {
    await client.end();
  }
}

/**
 * True when a server accepts a connection with this password and answers a query. With `dataFolder`
 * only the server on that folder counts: another one may have taken the port.
 */
export async function postgresReady(url: string, dataFolder?: string): Promise<boolean> {
  try {
    const answering = await answeringFolder(url);
    return dataFolder === undefined || (await isSameFolder(answering, dataFolder));
  } catch (error) {
    if ((error as { code?: string }).code === "28P01") {
      throw new Error(
        `PostgreSQL on 127.0.0.1:${new URL(url).port} refuses the password: ` +
          "the data folder was made with another one, or another program's server has the port",
        { cause: error },
      );
    }
    return false;
  }
}

/** True when a server says anything at all, also that it recovers, shuts down or has too many clients. */
export async function postgresAnswers(url: string): Promise<boolean> {
  try {
    await answeringFolder(url);
    return true;
  } catch (error) {
    return error instanceof pg.DatabaseError;
  }
}

/**
 * Starts a server for the life of this process and waits until it accepts a connection.
 * `log`: file that the server's messages are appended to.
 */
export async function startPostgres(
  settings: PostgresSettings & { readonly log: string },
): Promise<RunningPostgres> {
  await preparePostgres(settings);
  await mkdir(dirname(settings.log), { recursive: true });
  const log = await open(settings.log, "a");
  const [program, ...args] = postgresCommand(settings, { endWithParent: true });
  const child = spawn(String(program), args, {
    cwd: "/",
    env: postgresEnvironment,
    stdio: ["ignore", log.fd, log.fd],
  });
  let end: string | null = null;
  const ended = new Promise<void>((settle) => {
    child.once("error", (error) => {
      end = error.message;
      settle();
    });
    child.once("exit", (code, signal) => {
      end = `exit ${code ?? signal}`;
      settle();
    });
  });
  await log.close();
  const url = postgresUrl(settings);
  const deadline = Date.now() + startDeadlineMs;
  while (!(await postgresReady(url, settings.dataFolder))) {
    if (end !== null || Date.now() > deadline) {
      child.kill("SIGQUIT");
      throw new Error(
        `PostgreSQL did not start on ${settings.dataFolder}, port ${settings.port}: ` +
          `${end ?? `no connection within ${startDeadlineMs} ms`}; see ${settings.log}`,
      );
    }
    await delay(20);
  }
  const stop = async (): Promise<void> => {
    child.kill(postgresStopSignal);
    await ended;
  };
  return { url, pid: Number(child.pid), stop };
}

/** Ends whatever PostgreSQL runs on the data folder and waits for its last process. Idempotent. */
export async function stopPostgres(dataFolder: string): Promise<void> {
  const running = await runningPostgres(dataFolder);
  if (running === null) return;
  process.kill(running.pid, postgresStopSignal);
  await waitUntilUnused(dataFolder, stopDeadlineMs);
}

/** A TCP port on 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", listening);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
