import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import {
  endpoints,
  externalDatabase,
  externalDatabasePlace,
  externalTemporal,
} from "../../services/endpoints.ts";
import { takeLock } from "../../services/lock.ts";
import { logFile, logRotation, logTail, rotateLog } from "../../services/log-files.ts";
import { choosePort } from "../../services/ports.ts";
import { postgresPassword } from "../../services/postgres-password.ts";
import { writeJson } from "../../services/json-file.ts";
import { readServices, writeServices } from "../../services/services-file.ts";
import type { ServicesFile } from "../../services/services-file.ts";
import { servicesRecord } from "../../services/services-record.ts";
import { servicesStatus } from "../../services/services-status.ts";
import { stateFolder } from "../../services/state-folder.ts";
import { setWanted, wanted } from "../../services/wanted.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-files-"));
afterAll(() => rmSync(folder, { recursive: true }));
const fresh = (name: string) => stateFolder(join(folder, name), {});

test("a state folder has the same id by every path that leads to it", () => {
  mkdirSync(join(folder, "real"));
  symlinkSync(join(folder, "real"), join(folder, "link"));
  const direct = fresh("real/state");
  expect(fresh("link/state")).toEqual(direct);
  expect(direct.id).toMatch(/^[0-9a-f]{6}$/);
  expect(stateFolder(undefined, { LONGHAUL_STATE: direct.path })).toEqual(direct);
});

test("LONGHAUL_CACHE moves the downloads and nothing else", () => {
  const own = fresh("cached");
  const shared = stateFolder(own.path, { LONGHAUL_CACHE: join(folder, "cache") });
  expect(shared).toEqual({ ...own, cache: join(folder, "cache") });
});

test("what is wanted outlives the process that wanted it, key by key", () => {
  const state = fresh("wanted");
  expect(wanted(state)).toEqual({ services: false, lab: null, calibration: false });
  setWanted(state, { services: true });
  setWanted(state, { lab: "/x/lab.yaml" });
  expect(wanted(state)).toEqual({ services: true, lab: "/x/lab.yaml", calibration: false });
});

test("the password is made once, is long, and is readable by its owner alone", () => {
  const state = fresh("password");
  const password = postgresPassword(state);
  expect(password).toMatch(/^[\w-]{32}$/);
  expect(postgresPassword(state)).toBe(password);
  expect(statSync(join(state.path, "postgres-password")).mode & 0o777).toBe(0o600);
});

test("a lock has one holder, and the next when that lets go", async () => {
  const file = join(folder, "lock");
  const first = await takeLock(file);
  expect(first).not.toBeNull();
  expect(await takeLock(file)).toBeNull();
  first?.release();
  const second = await takeLock(file);
  expect(second).not.toBeNull();
  second?.release();
});

test("a stored port is kept while it is free and left to another program that took it", async () => {
  const port = await choosePort("abcdef", null, new Set());
  expect(port).toBeLessThan(32_768);
  expect(await choosePort("abcdef", port, new Set())).toBe(port);
  const other = createServer().listen(port, "127.0.0.1");
  await new Promise((listening) => other.once("listening", listening));
  expect(await choosePort("abcdef", port, new Set())).not.toBe(port);
  await new Promise((closed) => other.close(closed));
});

test("a log is rotated at its limit, its writer goes on, and the tail spans both files", () => {
  const file = join(folder, "a.log");
  const writer = openSync(file, "a");
  writeSync(writer, "one\ntwo\n");
  rotateLog(file, 100);
  expect(readFileSync(file, "utf8")).toBe("one\ntwo\n");
  rotateLog(file, 4);
  writeSync(writer, "three\n");
  expect(readFileSync(file, "utf8")).toBe("three\n");
  expect(logTail(file, 2)).toEqual(["two", "three"]);
});

test("a log that cannot be rotated is said once and ends nobody; the others are rotated", () => {
  const state = fresh("unrotated");
  const large = "x".repeat(11 * 1024 * 1024);
  writeFileSync(logFile(state, "temporal"), large);
  writeFileSync(logFile(state, "worker"), large);
  // A folder in its place refuses the copy as a full disk would.
  mkdirSync(`${logFile(state, "temporal")}.1`);
  const lines: string[] = [];
  const rotate = logRotation(state, (line) => lines.push(line));
  rotate();
  rotate();
  expect(lines).toEqual([expect.stringMatching(/^the log of temporal cannot be rotated: EISDIR/)]);
  expect(statSync(logFile(state, "worker")).size).toBe(0);
  rmSync(`${logFile(state, "temporal")}.1`, { recursive: true });
  rotate();
  expect(statSync(logFile(state, "temporal")).size).toBe(0);
});

const stoppedServices = (): ServicesFile => {
  const stopped = {
    state: "stopped",
    process: null,
    since: "",
    restarts: 0,
    lastEnd: null,
  } as const;
  return {
    supervisor: null,
    ports: {},
    external: { temporal: null, postgres: null },
    services: { temporal: stopped, postgres: stopped, worker: stopped },
  };
};

test("a record that cannot be written holds in memory, is said once, and is written later", () => {
  const state = fresh("unwritten");
  const lines: string[] = [];
  const record = servicesRecord(state, stoppedServices(), (line) => lines.push(line));
  const hindrance = join(state.path, `services.json.${process.pid}.unfinished`);
  mkdirSync(hindrance);
  record.change({ ports: { temporal: 1 } });
  record.catchUp();
  expect(record.now().ports).toEqual({ temporal: 1 });
  expect(readServices(state)).toBeNull();
  rmSync(hindrance, { recursive: true });
  record.catchUp();
  record.catchUp();
  expect(readServices(state)?.ports).toEqual({ temporal: 1 });
  expect(lines).toEqual([
    expect.stringMatching(/^services\.json cannot be written; it is tried again: EISDIR/),
    "services.json is written again",
  ]);
});

test("a file that cannot be written whole leaves the old one, and nothing beside it", () => {
  const state = fresh("whole");
  const file = join(state.path, "some.json");
  writeJson(file, { old: true });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(() => writeJson(file, circular)).toThrow(/circular/);
  expect(readFileSync(file, "utf8")).toContain("old");
  expect(readdirSync(state.path).filter((name) => name.includes("unfinished"))).toEqual([]);
});

test("without servers in the environment the embedded ones are meant, and missing ones are said so", () => {
  const state = fresh("endpoints");
  expect(() => endpoints(state, {})).toThrow(/have not been started here; run `longhaul up`/);
  writeServices(state, {
    ...stoppedServices(),
    ports: { temporal: 20_001, temporalUi: 20_002, temporalMetrics: 20_003, postgres: 20_004 },
  });
  const found = endpoints(state, { TEMPORAL_NAMESPACE: "names no server" });
  expect(found).toMatchObject({
    embedded: true,
    temporal: { address: "127.0.0.1:20001", namespace: "longhaul", ui: "http://127.0.0.1:20002" },
  });
  expect(found.databaseUrl).toContain(`:${postgresPassword(state)}@127.0.0.1:20004/`);
});

test("Temporal's own environment configuration names a real server, with TLS and API key", () => {
  const found = externalTemporal({
    TEMPORAL_ADDRESS: "temporal.example:7233",
    TEMPORAL_NAMESPACE: "lab",
    TEMPORAL_API_KEY: "secret",
    LONGHAUL_TEMPORAL_UI: "https://ui.example/",
  });
  expect(found).toMatchObject({
    address: "temporal.example:7233",
    namespace: "lab",
    ui: "https://ui.example",
    embedded: false,
    connection: { address: "temporal.example:7233", apiKey: "secret", tls: true },
  });
  expect(externalTemporal({ TEMPORAL_ADDRESS: "t:1" })?.namespace).toBe("longhaul");
  expect(externalTemporal({})).toBeNull();
});

test("client certificates and a profile come from the files that Temporal's own configuration names", () => {
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const bytes = (text: string) => new TextEncoder().encode(text);
  const found = externalTemporal({
    TEMPORAL_ADDRESS: "temporal.example:7233",
    TEMPORAL_TLS_SERVER_NAME: "frontend",
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: file("ca.pem", "the authority"),
    TEMPORAL_TLS_CLIENT_CERT_PATH: file("client.pem", "the certificate"),
    TEMPORAL_TLS_CLIENT_KEY_PATH: file("client.key", "the key"),
  });
  expect(found?.connection?.tls).toEqual({
    serverNameOverride: "frontend",
    serverRootCACertificate: bytes("the authority"),
    clientCertPair: { crt: bytes("the certificate"), key: bytes("the key") },
  });
  const profile = `[profile.lab]\naddress = "t.example:1"\nnamespace = "n"\napi_key = "k"\n`;
  const named = { TEMPORAL_CONFIG_FILE: file("temporal.toml", profile), TEMPORAL_PROFILE: "lab" };
  expect(externalTemporal(named)).toMatchObject({
    address: "t.example:1",
    namespace: "n",
    connection: { apiKey: "k", tls: true },
  });
  expect(externalTemporal({ ...named, TEMPORAL_ADDRESS: "" })).toMatchObject({
    address: "t.example:1",
  });
});

test("a profile or a certificate that is not there is wrong use, and says what is missing", () => {
  const missing = join(folder, "none.pem");
  expect(() => externalTemporal({ TEMPORAL_PROFILE: "nobody" })).toThrow(
    /^TEMPORAL_\*: .*Profile 'nobody' not found/,
  );
  expect(() =>
    externalTemporal({ TEMPORAL_ADDRESS: "t:1", TEMPORAL_TLS_SERVER_CA_CERT_PATH: missing }),
  ).toThrow(/none\.pem/);
});

test.each([
  [{}, null],
  [{ DATABASE_URL: "postgresql://me:secret@db.example:6432/results" }, "db.example:6432/results"],
  [{ DATABASE_URL: "postgresql://db.example" }, "db.example:5432/(its default)"],
  [{ DATABASE_URL: "postgresql:///results?host=/run/pg" }, "/run/pg:5432/results"],
  [{ PGHOST: "db", PGPORT: "1", PGDATABASE: "r", PGPASSWORD: "secret" }, "db:1/r"],
])("a real PostgreSQL is shown without its secrets: %j", (env, shown) => {
  expect(externalDatabasePlace(env)).toBe(shown);
});

test("DATABASE_URL goes first, then PG*, which pg reads itself", () => {
  expect(externalDatabase({ DATABASE_URL: "postgresql://a/b?sslmode=require", PGHOST: "c" })).toBe(
    "postgresql://a/b?sslmode=require",
  );
  expect(externalDatabase({})).toBeNull();
  const before = process.env.PGHOST;
  process.env.PGHOST = "db.example";
  try {
    const url = externalDatabase(process.env);
    expect(new pg.Client({ connectionString: url ?? "" }).host).toBe("db.example");
  } finally {
    if (before === undefined) delete process.env.PGHOST;
    else process.env.PGHOST = before;
  }
});

test("services on record whose processes are gone are dead, not running", () => {
  const state = fresh("dead");
  const process = { pid: 4_000_000, startTicks: 1, bootId: "gone" };
  const record = { state: "running", process, since: "", restarts: 0, lastEnd: null } as const;
  expect(servicesStatus(state)).toMatchObject({ ready: false, worker: { state: "stopped" } });
  writeServices(state, {
    supervisor: process,
    ports: {},
    external: { temporal: null, postgres: null },
    services: { temporal: record, postgres: record, worker: record },
  });
  expect(servicesStatus(state)).toMatchObject({
    ready: false,
    supervisor: { state: "stopped" },
    temporal: { state: "dead", pid: null },
  });
});

test("a services file that is no JSON is named, with what to do", () => {
  const state = fresh("broken");
  writeFileSync(join(state.path, "services.json"), "{");
  expect(() => servicesStatus(state)).toThrow(/services\.json: not JSON; remove it/);
});
