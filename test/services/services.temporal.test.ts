import { readdirSync, readFileSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { endpoints } from "../../services/endpoints.ts";
import { isAlive, signalTo } from "../../services/process-identity.ts";
import type { ProcessIdentity } from "../../services/process-identity.ts";
import { readServices, serviceNames } from "../../services/services-file.ts";
import { down } from "../../services/services-down.ts";
import { servicesStatus } from "../../services/services-status.ts";
import { up } from "../../services/services-up.ts";
import { writeJson } from "../../services/json-file.ts";
import { longhaulVersion } from "../../services/version.ts";
import { workerWord } from "../../services/worker-ready.ts";
import { stateFolder } from "../../services/state-folder.ts";
import { namespaceFacts, withConnection } from "../../services/temporal-namespace.ts";
import { wanted } from "../../services/wanted.ts";

const root = join(import.meta.dirname, "../..");
const path = join(root, ".longhaul/test/services");
const cache = process.env.LONGHAUL_CACHE ?? join(root, ".longhaul/cache");
rmSync(path, { recursive: true, force: true });
const state = stateFolder(path, { LONGHAUL_CACHE: cache });
const env = { PATH: process.env.PATH, HOME: process.env.HOME, LONGHAUL_CACHE: cache };
const bringUp = () => up(state, { log: () => undefined, env });

const identities = (): Record<string, ProcessIdentity> => {
  const file = readServices(state);
  const found = [
    ["supervisor", file?.supervisor] as const,
    ...serviceNames.map((name) => [name, file?.services[name].process] as const),
  ];
  return Object.fromEntries(
    found.flatMap(([name, identity]) => (identity ? [[name, identity]] : [])),
  );
};
const the = (name: string): ProcessIdentity => {
  const identity = identities()[name];
  if (!identity) throw new Error(`${name} is not on record`);
  return identity;
};
const query = async (sql: string): Promise<unknown[]> => {
  const client = new pg.Client({ connectionString: endpoints(state, env).databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
};
/** Pids that bear this state folder's mark. */
const marked = (): number[] =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").includes(
          `LONGHAUL_SERVICE_OF=${state.path}\0`,
        );
      } catch {
        return false;
      }
    });

beforeAll(async () => {
  await bringUp();
}, 240_000);
afterAll(async () => {
  await down(state);
});

test("two ups at once end with one supervisor and one of each service", async () => {
  const before = identities();
  const [one, other] = await Promise.all([bringUp(), bringUp()]);
  expect(one.ready && other.ready).toBe(true);
  expect(identities()).toEqual(before);
  expect(wanted(state).services).toBe(true);
});

test("Temporal's namespace is ready and PostgreSQL takes the generated password alone", async () => {
  const { temporal, databaseUrl } = endpoints(state, env);
  const facts = await withConnection({ address: temporal.address }, (connection) =>
    namespaceFacts(connection, temporal.namespace),
  );
  expect(facts).toEqual({ retentionDays: 90, missingAttributes: [], otherTypes: [] });
  await query("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('data')");
  const wrong = new URL(databaseUrl);
  wrong.password = "wrong";
  const client = new pg.Client({ connectionString: wrong.href });
  await expect(client.connect()).rejects.toThrow(/password authentication failed/);
});

test.each(serviceNames)(
  "%s comes back by itself after kill -9, at the same place",
  async (name) => {
    const before = the(name);
    const { ports } = readServices(state) ?? {};
    signalTo(before, "SIGKILL");
    await expect
      .poll(() => servicesStatus(state)[name], { timeout: 60_000 })
      .toMatchObject({ state: "running", restarts: 1 });
    expect(the(name).pid).not.toBe(before.pid);
    expect(readServices(state)?.ports).toEqual(ports);
  },
);

test("services outlive a killed supervisor, and the next up adopts them", async () => {
  const { supervisor, ...services } = identities();
  if (!supervisor) throw new Error("no supervisor on record");
  signalTo(supervisor, "SIGKILL");
  await expect.poll(() => isAlive(supervisor), { timeout: 20_000 }).toBe(false);
  expect(Object.values(services).every(isAlive)).toBe(true);
  expect(servicesStatus(state)).toMatchObject({ ready: false, supervisor: { state: "stopped" } });
  expect((await bringUp()).ready).toBe(true);
  const { supervisor: next, ...adopted } = identities();
  expect(adopted).toEqual(services);
  expect(next).not.toEqual(supervisor);
});

test("up starts a worker of another version anew, and leaves the servers alone", async () => {
  const before = identities();
  const word = workerWord(state);
  expect(word).toMatchObject({ version: await longhaulVersion(), waitsFor: null });
  writeJson(join(state.path, "worker-ready.json"), { ...word, version: "0.0.1" });
  const said: string[] = [];
  const { ready } = await up(state, { log: (line) => void said.push(line), env });
  expect(ready).toBe(true);
  expect(said).toEqual([
    `the worker runs Longhaul 0.0.1; it is started anew as ${await longhaulVersion()}`,
  ]);
  const { worker, ...servers } = identities();
  expect(worker).not.toEqual(before.worker);
  expect({ ...servers, worker: before.worker }).toEqual(before);
  expect(servicesStatus(state).worker.version).toBe(await longhaulVersion());
});

test("a store that a newer Longhaul has broken for this one ends the worker, is waited for, and refused by up in words", async () => {
  const before = the("worker");
  const words = "the store was written by a newer Longhaul: it has schema 999-later.sql";
  await query(
    "INSERT INTO schema_migration (name, checksum, breaking) VALUES ('999-later.sql', 'x', true)",
  );
  await expect.poll(() => isAlive(before), { timeout: 30_000 }).toBe(false);
  await expect
    .poll(() => servicesStatus(state).worker.waitsFor, { timeout: 60_000 })
    .toContain(words);
  await expect(bringUp()).rejects.toThrow(`the worker cannot begin: PostgreSQL: ${words}`);
  await query("DELETE FROM schema_migration WHERE name = '999-later.sql'");
  await expect.poll(() => servicesStatus(state).ready, { timeout: 60_000 }).toBe(true);
  expect(servicesStatus(state).worker.waitsFor).toBeNull();
});

test("other servers in the environment are refused while services run", async () => {
  await expect(
    up(state, { log: () => undefined, env: { ...env, DATABASE_URL: "postgresql://x/y" } }),
  ).rejects.toThrow(/run `longhaul down` first/);
});

test("down ends all of it, also when the supervisor is dead, and twice is no fault", async () => {
  const before = Object.values(identities());
  signalTo(the("supervisor"), "SIGKILL");
  await expect
    .poll(() => servicesStatus(state).supervisor.state, { timeout: 20_000 })
    .toBe("stopped");
  const ended = await down(state);
  expect(ended.map(({ what }) => what).toSorted()).toEqual(["postgres", "temporal", "worker"]);
  expect(before.some(isAlive)).toBe(false);
  expect(marked()).toEqual([]);
  expect(wanted(state).services).toBe(false);
  expect(await down(state)).toEqual([]);
});

test("ports that other programs took meanwhile are replaced, and the data are still there", async () => {
  const before = Object.values(readServices(state)?.ports ?? {});
  expect(before).toHaveLength(4);
  const others = before.map((port) => createServer().listen(port, "127.0.0.1"));
  await Promise.all(others.map((other) => once(other, "listening")));
  try {
    expect((await bringUp()).ready).toBe(true);
    const now = Object.values(readServices(state)?.ports ?? {});
    expect(new Set([...before, ...now]).size).toBe(8);
    expect(await query("SELECT word FROM kept")).toEqual([{ word: "data" }]);
    const { temporal } = endpoints(state, env);
    expect((await fetch(temporal.ui ?? "")).status).toBe(200);
  } finally {
    for (const other of others) other.close();
  }
});

test("a stray that is on no record is ended by down", async () => {
  const record = readServices(state);
  const worker = the("worker");
  expect(record).not.toBeNull();
  // As if the supervisor had died between starting the worker and writing so.
  rmSync(join(state.path, "services.json"));
  const supervisor = record?.supervisor;
  if (supervisor) signalTo(supervisor, "SIGKILL");
  await down(state);
  expect(isAlive(worker)).toBe(false);
  expect(marked()).toEqual([]);
});
