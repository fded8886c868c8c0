import { spawn } from "node:child_process";
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { borrowPostgres } from "../../services/borrowed-postgres.ts";
import {
  freePort,
  postgresAnswers,
  postgresCommand,
  postgresReady,
  postgresStopSignal,
  postgresUrl,
  preparePostgres,
  runningPostgres,
  startPostgres,
  stopPostgres,
} from "../../services/postgres.ts";
import { identityOf, isAlive } from "../../services/process-identity.ts";

let folder = "";
let settings = { dataFolder: "", port: 0, password: "p@ss:w/rd", log: "" };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "longhaul postgres-"));
  await chmod(folder, 0o700);
  settings = {
    ...settings,
    dataFolder: join(folder, "data"),
    port: await freePort(),
    log: join(folder, "log"),
  };
});
afterEach(async () => {
  await stopPostgres(settings.dataFolder);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  // The tests kill servers under their clients.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("a cluster in a folder with a blank that only its owner may enter is made whole, with checksums and a password", async () => {
  const server = await startPostgres(settings);
  const [row] = await query(
    server.url,
    `SELECT current_setting('data_checksums') AS checksums, current_setting('server_encoding') AS encoding,
       current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
       current_setting('fsync') AS fsync,
       (SELECT bool_and(auth_method IN ('scram-sha-256', 'reject')) FROM pg_hba_file_rules) AS guarded`,
  );
  expect(row).toEqual({
    ...{ checksums: "on", encoding: "UTF8", listens: "127.0.0.1", sockets: "", fsync: "on" },
    guarded: true,
  });
  expect((await stat(settings.dataFolder)).mode & 0o777).toBe(0o700);
  expect((await readdir(folder)).toSorted()).toEqual(["data", "log"]);
  await expect(postgresReady(postgresUrl({ ...settings, password: "guess" }))).rejects.toThrow(
    `PostgreSQL on 127.0.0.1:${settings.port} refuses the password`,
  );
  await server.stop();
  expect(await postgresReady(server.url)).toBe(false);
  expect(await runningPostgres(settings.dataFolder)).toBeNull();
});

test("what was committed is there after kill -9 and a start right after it", async () => {
  const server = await startPostgres(settings);
  await query(server.url, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n");
  process.kill(server.pid, "SIGKILL");
  const next = await startPostgres(settings);
  expect(await query(next.url, "SELECT count(*)::int AS n FROM kept")).toEqual([{ n: 1000 }]);
  await next.stop();
});

test("a lock file whose pid is another process's now is no obstacle", async () => {
  const server = await startPostgres(settings);
  const lockFile = join(settings.dataFolder, "postmaster.pid");
  const lines = (await readFile(lockFile, "utf8")).split("\n");
  process.kill(server.pid, "SIGKILL");
  await server.stop();
  await writeFile(lockFile, [process.pid, ...lines.slice(1)].join("\n"));
  expect(await runningPostgres(settings.dataFolder)).toBeNull();
  const next = await startPostgres(settings);
  expect(await runningPostgres(settings.dataFolder)).toEqual({
    pid: next.pid,
    port: settings.port,
  });
  await next.stop();
});

test.runIf(process.getuid?.() === 0)(
  "below a home that only another user may enter, in a folder of that user's, the cluster is made and served; its files are root's",
  async () => {
    const home = join(folder, "home");
    const state = join(home, "longhaul/.longhaul");
    await mkdir(state, { recursive: true });
    for (const path of [home, join(home, "longhaul"), state]) await chown(path, 1000, 1000);
    await chmod(home, 0o700);
    await chmod(state, 0o700);
    const below = { ...settings, dataFolder: join(state, "postgres") };
    const server = await startPostgres(below);
    expect(await query(server.url, "SELECT current_setting('data_directory') AS at")).toEqual([
      { at: below.dataFolder },
    ]);
    expect(await runningPostgres(below.dataFolder)).toMatchObject({ pid: server.pid });
    await query(server.url, "CREATE TABLE kept (n int)");
    await server.stop();
    expect((await stat(below.dataFolder)).uid).toBe(0);
    expect(await readdir(state)).toEqual(["postgres"]);
    // The same data, read without the home's bar.
    await chmod(home, 0o755);
    await chmod(state, 0o755);
    const again = await startPostgres(below);
    expect(await query(again.url, "SELECT count(*)::int AS n FROM kept")).toEqual([{ n: 0 }]);
    await again.stop();
  },
);

test("a backend that hangs when its postmaster is killed is ended before the next start", async () => {
  const server = await startPostgres(settings);
  const client = new pg.Client({ connectionString: server.url });
  client.on("error", () => undefined);
  await client.connect();
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const backend = Number(rows[0]?.pid);
  const identity = identityOf(backend);
  if (identity === null) throw new Error(`the backend ${backend} that answered does not run`);
  process.kill(backend, "SIGSTOP");
  process.kill(server.pid, "SIGKILL");
  const next = await startPostgres(settings);
  // Its adopter may be slow to reap it.
  expect(isAlive(identity)).toBe(false);
  await next.stop();
});

test("a second server on the same data is refused by the pid of the first", async () => {
  const server = await startPostgres(settings);
  await expect(preparePostgres(settings)).rejects.toThrow(
    `${settings.dataFolder}: a PostgreSQL already runs on it (pid ${server.pid})`,
  );
  await server.stop();
});

test("a supervisor's child is the postmaster itself and ends at the stop signal", async () => {
  await preparePostgres(settings);
  const [program, ...args] = postgresCommand(settings);
  const child = spawn(String(program), args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await expect.poll(() => postgresReady(postgresUrl(settings)), { timeout: 20_000 }).toBe(true);
  expect((await runningPostgres(settings.dataFolder))?.pid).toBe(child.pid);
  child.kill(postgresStopSignal);
  expect(await ended).toBe(0);
});

test("a borrowed server is the running one, which then stays, or one of its own, which then ends", async () => {
  const own = await borrowPostgres(settings);
  expect(await query(String(own?.url), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  const second = await borrowPostgres(settings);
  expect(second?.pid).toBe(own?.pid);
  await second?.stop();
  expect(await postgresReady(String(own?.url))).toBe(true);
  await own?.stop();
  expect(await runningPostgres(settings.dataFolder)).toBeNull();
});

test("two that borrow at the same time get the same server", async () => {
  const borrowed = await Promise.all([borrowPostgres(settings), borrowPostgres(settings)]);
  expect(borrowed[0]?.pid).toBe(borrowed[1]?.pid);
  await Promise.all(borrowed.map(async (server) => server?.stop()));
  expect(await runningPostgres(settings.dataFolder)).toBeNull();
});

test("who started a borrowed server and is done waits for those who still read, and then ends it", async () => {
  const starter = await borrowPostgres(settings);
  const reader = await borrowPostgres(settings);
  let over = false;
  const stopped = starter?.stop().then(() => (over = true));
  const late = await borrowPostgres(settings);
  expect(late?.pid).toBe(starter?.pid);
  await reader?.stop();
  expect(await query(String(late?.url), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(over).toBe(false);
  await late?.stop();
  await stopped;
  expect(await runningPostgres(settings.dataFolder)).toBeNull();
});

test("a server that is stopped does not answer; one that refuses the caller does", async () => {
  const server = await startPostgres(settings);
  expect(await postgresAnswers(server.url)).toBe(true);
  expect(await postgresAnswers(server.url.replace(/:[^:@]+@/, ":wrong@"))).toBe(true);
  process.kill(server.pid, "SIGSTOP");
  expect(await postgresAnswers(server.url)).toBe(false);
  process.kill(server.pid, "SIGCONT");
  await server.stop();
  expect(await postgresAnswers(server.url)).toBe(false);
});

test("where nothing was ever stored there is nothing to borrow, and nothing is made", async () => {
  const dataFolder = join(folder, "never");
  expect(await borrowPostgres({ ...settings, dataFolder })).toBeNull();
  expect(await readdir(folder)).not.toContain("never");
});

test("what a cut initdb left is not taken for a cluster", async () => {
  const dataFolder = join(folder, "cut");
  const unfinished = `${dataFolder}.unfinished`;
  await preparePostgres({ ...settings, dataFolder: unfinished });
  await writeFile(join(unfinished, "global/pg_control"), "");
  const server = await startPostgres({ ...settings, dataFolder });
  expect(await query(server.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  await server.stop();
  expect((await readdir(folder)).filter((name) => name.includes("unfinished"))).toEqual([]);
});

test("data of another major version are refused with both versions and the way out", async () => {
  const dataFolder = join(folder, "old");
  await preparePostgres({ ...settings, dataFolder });
  await writeFile(join(dataFolder, "PG_VERSION"), "15\n");
  await expect(preparePostgres({ ...settings, dataFolder })).rejects.toThrow(
    /old: the data are of PostgreSQL 15, but the installed one is \d+, which cannot read them\. Dump them with/,
  );
});

test("a port in use is told with the log's place, and nothing is left running", async () => {
  const server = await startPostgres(settings);
  const dataFolder = join(folder, "second");
  const failed = startPostgres({ ...settings, dataFolder });
  await expect(failed).rejects.toThrow(`PostgreSQL did not start on ${dataFolder}`);
  expect(await runningPostgres(dataFolder)).toBeNull();
  await server.stop();
});
