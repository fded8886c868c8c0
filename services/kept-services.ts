import { setTimeout as delay } from "node:timers/promises";
import { dirname, join } from "node:path";
import { externalDatabase, externalTemporal } from "./endpoints.ts";
import type { Keepable } from "./keeper.ts";
import { logFile } from "./log-files.ts";
import { choosePort } from "./ports.ts";
import { postgresEnvironment } from "./postgres-binaries.ts";
import { postgresPassword } from "./postgres-password.ts";
import {
  postgresAnswers,
  postgresCommand,
  postgresReady,
  postgresStopSignal,
  postgresUrl,
  preparePostgres,
} from "./postgres.ts";
import type { Ports, ServiceName } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";
import {
  prepareTemporal,
  temporalAnswers,
  temporalCommand,
  temporalReady,
} from "./temporal-server.ts";
import { temporalBinary } from "./temporal.ts";
import { workerBeat, workerIsReady } from "./worker-ready.ts";

/** The checkout that this code lies in. */
export const checkout = dirname(import.meta.dirname);

/** In the environment of every supervised process, so that `down` can prove that none is left. */
export const serviceMarker = (state: StateFolder): string => `LONGHAUL_SERVICE_OF=${state.path}`;

/** The embedded Temporal's database. */
export const temporalDatabase = (state: StateFolder): string => join(state.temporal, "temporal.db");

/** What the supervisor knows and its services ask for. */
export interface Surroundings {
  readonly state: StateFolder;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  ports(): Partial<Ports>;
  /** Stored before the service starts; other services are told when a known port changes. */
  setPorts(ports: Partial<Ports>): void;
  isUp(service: ServiceName): boolean;
}

/** The three services as things to keep alive. A service that a real server stands for is left out. */
export function keptServices(around: Surroundings): Partial<Record<ServiceName, Keepable>> {
  const all = { temporal: temporal(around), postgres: postgres(around), worker: worker(around) };
  const { temporal: embeddedTemporal, postgres: embeddedPostgres, ...rest } = all;
  return {
    ...(externalTemporal(around.env) === null ? { temporal: embeddedTemporal } : {}),
    ...(externalDatabase(around.env) === null ? { postgres: embeddedPostgres } : {}),
    ...rest,
  };
}

/** Stored ports that are free again, or new ones. */
async function ownPorts(around: Surroundings, names: readonly (keyof Ports)[]): Promise<Ports> {
  const known = around.ports();
  const others = Object.entries(known).filter(([name]) => !names.includes(name as keyof Ports));
  const taken = new Set(others.map(([, port]) => port));
  const chosen: Partial<Record<keyof Ports, number>> = {};
  for (const name of names) {
    const port = await choosePort(around.state.id, known[name] ?? null, taken);
    taken.add(port);
    chosen[name] = port;
  }
  around.setPorts(chosen);
  return { ...known, ...chosen } as Ports;
}

const marked = (around: Surroundings, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  LONGHAUL_SERVICE_OF: around.state.path,
});

function temporal(around: Surroundings): Keepable {
  const { state, log } = around;
  const databaseFile = temporalDatabase(state);
  return {
    name: "temporal",
    logFile: logFile(state, "temporal"),
    stopSignal: "SIGTERM",
    stopGraceMs: 15_000,
    startDeadlineMs: 60_000,
    command: async () => {
      const binary = await temporalBinary(state.cache, log, around.env);
      await prepareTemporal(databaseFile, log);
      const chosen = await ownPorts(around, ["temporal", "temporalUi", "temporalMetrics"]);
      const ports = {
        frontend: chosen.temporal,
        ui: chosen.temporalUi,
        metrics: chosen.temporalMetrics,
      };
      // Nothing of the caller's TEMPORAL_* may reconfigure the server.
      const env = marked(around, { PATH: around.env.PATH, HOME: state.temporal, TZ: "UTC" });
      return { argv: temporalCommand({ binary, databaseFile, ports }), env, cwd: state.temporal };
    },
    ready: () => temporalReady(around.ports().temporal ?? 0),
    answers: () => temporalAnswers(around.ports().temporal ?? 0),
  };
}

function postgres(around: Surroundings): Keepable {
  const { state } = around;
  const password = postgresPassword(state);
  return {
    name: "postgres",
    logFile: logFile(state, "postgres"),
    stopSignal: postgresStopSignal,
    stopGraceMs: 30_000,
    startDeadlineMs: 120_000,
    command: async () => {
      const { postgres: port } = await ownPorts(around, ["postgres"]);
      const settings = { dataFolder: state.postgres, port, password };
      await preparePostgres(settings);
      return {
        argv: postgresCommand(settings),
        env: marked(around, postgresEnvironment),
        cwd: "/",
      };
    },
    ready: () => postgresReady(postgresUrl({ port: around.ports().postgres ?? 0, password })),
    answers: () => postgresAnswers(postgresUrl({ port: around.ports().postgres ?? 0, password })),
  };
}

function worker(around: Surroundings): Keepable {
  const { state } = around;
  let lastBeat: bigint | null = null;
  return {
    name: "worker",
    logFile: logFile(state, "worker"),
    stopSignal: "SIGTERM",
    stopGraceMs: 20_000,
    startDeadlineMs: 60_000,
    command: async (stopping) => {
      // A worker that starts before its servers would die of it and be held back by its pauses.
      while (!around.isUp("temporal") || !around.isUp("postgres"))
        await delay(50, undefined, { signal: stopping });
      return {
        argv: [process.execPath, join(checkout, "workers", "main.ts")],
        env: marked(around, { ...around.env, LONGHAUL_STATE: state.path }),
        cwd: checkout,
      };
    },
    ready: (process) => Promise.resolve(workerIsReady(state, process)),
    answers: () => {
      const before = lastBeat;
      lastBeat = workerBeat(state);
      return Promise.resolve(lastBeat !== before);
    },
  };
}
