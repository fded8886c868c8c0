/** One server embedded, the other a real one that the environment names. */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serverChecks } from "../../cli/doctor-servers.ts";
import { choosePort } from "../../services/ports.ts";
import { freePort, postgresReady, startPostgres } from "../../services/postgres.ts";
import type { RunningPostgres } from "../../services/postgres.ts";
import { down } from "../../services/services-down.ts";
import { servicesStatus } from "../../services/services-status.ts";
import { up } from "../../services/services-up.ts";
import { stateFolder } from "../../services/state-folder.ts";
import { startTemporal } from "../../services/temporal-server.ts";
import type { RunningTemporal } from "../../services/temporal-server.ts";
import { temporalBinary } from "../../services/temporal.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, ".longhaul/test/mixed");
const cache = process.env.LONGHAUL_CACHE ?? join(root, ".longhaul/cache");
rmSync(folder, { recursive: true, force: true });
const own = (name: string) => stateFolder(join(folder, name), { LONGHAUL_CACHE: cache });
const env = { PATH: process.env.PATH, HOME: process.env.HOME, LONGHAUL_CACHE: cache };
const quiet = () => undefined;

let postgres: RunningPostgres;
let temporal: RunningTemporal;
beforeAll(async () => {
  const real = own("real");
  postgres = await startPostgres({
    dataFolder: real.postgres,
    port: await freePort(),
    password: "real",
    log: join(real.logs, "postgres.log"),
  });
  const taken = new Set<number>();
  for (let n = 0; n < 3; n += 1) taken.add(await choosePort(real.id, null, taken));
  const [frontend = 0, ui = 0, metrics = 0] = taken;
  temporal = await startTemporal({
    binary: await temporalBinary(cache, quiet),
    databaseFile: join(real.temporal, "temporal.db"),
    ports: { frontend, ui, metrics },
    log: join(real.logs, "temporal.log"),
  });
});
afterAll(async () => {
  await temporal.stop();
  await postgres.stop();
});

const failing = async (state: ReturnType<typeof own>, named: NodeJS.ProcessEnv) =>
  (await serverChecks(state, named)).filter(({ result }) => result === "fail");

test("a real PostgreSQL beside the embedded Temporal: doctor finds both well, down leaves the real one alone", async () => {
  const state = own("real-postgres");
  const named = { ...env, DATABASE_URL: postgres.url };
  try {
    expect((await up(state, { log: quiet, env: named })).ready).toBe(true);
    const { host } = new URL(postgres.url);
    expect(servicesStatus(state)).toMatchObject({
      temporal: { state: "running" },
      postgres: { state: "external", address: `${host}/longhaul` },
    });
    expect(await failing(state, named)).toEqual([]);
    expect(existsSync(state.postgres)).toBe(false);
  } finally {
    await down(state);
  }
  expect(await postgresReady(postgres.url)).toBe(true);
});

test("a real Temporal beside the embedded PostgreSQL: doctor finds both well, down leaves the real one alone", async () => {
  const state = own("real-temporal");
  const named = { ...env, TEMPORAL_ADDRESS: temporal.address };
  try {
    expect((await up(state, { log: quiet, env: named })).ready).toBe(true);
    expect(servicesStatus(state)).toMatchObject({
      temporal: { state: "external", address: temporal.address },
      postgres: { state: "running" },
    });
    expect(await failing(state, named)).toEqual([]);
    expect(existsSync(state.temporal)).toBe(false);
  } finally {
    await down(state);
  }
  expect((await fetch(temporal.ui)).status).toBe(200);
});
