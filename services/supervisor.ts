/**
 * The supervisor: a process of its own, started by `up`, that keeps the embedded services and a worker
 * alive. When it is killed its services run on, and the next one adopts them.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { externalDatabasePlace, externalTemporal } from "./endpoints.ts";
import { keep } from "./keeper.ts";
import type { Keeper } from "./keeper.ts";
import { keptServices } from "./kept-services.ts";
import type { Surroundings } from "./kept-services.ts";
import { takeLock } from "./lock.ts";
import { logRotation } from "./log-files.ts";
import { runningPostgres } from "./postgres.ts";
import { identityOf } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readServices, serviceNames } from "./services-file.ts";
import type { ServiceName, ServicesFile } from "./services-file.ts";
import { servicesRecord } from "./services-record.ts";
import { stateFolder } from "./state-folder.ts";
import type { StateFolder } from "./state-folder.ts";

const tidyIntervalMs = 10_000;
const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);

/** What an earlier supervisor left running, by its record, or PostgreSQL's own when that is lost. */
async function leftRunning(
  state: StateFolder,
  previous: ServicesFile | null,
): Promise<Partial<Record<ServiceName, ProcessIdentity>>> {
  const postgres = await runningPostgres(state.postgres);
  const known = serviceNames.flatMap((name) => {
    const process = previous?.services[name].process;
    return process ? [[name, process] as const] : [];
  });
  const lost = postgres === null ? null : identityOf(postgres.pid);
  return { ...Object.fromEntries(known), ...(lost === null ? {} : { postgres: lost }) };
}

async function supervise(state: StateFolder): Promise<void> {
  const lock = await takeLock(join(state.path, "supervisor.lock"));
  if (lock === null) {
    log("another supervisor keeps this state folder; nothing to do");
    return;
  }
  const env = process.env;
  const previous = readServices(state);
  const now = new Date().toISOString();
  const blank = { process: null, since: now, restarts: 0, lastEnd: null } as const;
  const external = {
    temporal: externalTemporal(env)?.address ?? null,
    postgres: externalDatabasePlace(env),
  };
  const from = (address: string | null) =>
    ({ ...blank, state: address === null ? "starting" : "external" }) as const;
  const first: ServicesFile = {
    supervisor: identityOf(process.pid),
    ports: previous?.ports ?? {},
    external,
    services: {
      temporal: from(external.temporal),
      postgres: from(external.postgres),
      worker: from(null),
    },
  };
  const adoptable = await leftRunning(state, previous);
  const { now: onRecord, change, catchUp } = servicesRecord(state, first, log);
  // Until adopted, a service that runs stays on record: this process, too, may be killed any moment.
  change({
    services: Object.fromEntries(
      serviceNames.map((name) => [
        name,
        { ...first.services[name], process: adoptable[name] ?? null },
      ]),
    ) as ServicesFile["services"],
  });

  const keepers: Partial<Record<ServiceName, Keeper>> = {};
  const around: Surroundings = {
    state,
    env,
    log,
    ports: () => onRecord().ports,
    setPorts: (ports) => {
      const moved = Object.entries(ports).some(
        ([name, port]) => ![undefined, port].includes(onRecord().ports[name as keyof typeof ports]),
      );
      change({ ports: { ...onRecord().ports, ...ports } });
      if (!moved) return;
      log("a port was taken by another program; the worker is restarted with the new one");
      void keepers.worker?.restart();
    },
    isUp: (name) => ["running", "external"].includes(onRecord().services[name].state),
  };
  for (const [name, kept] of Object.entries(keptServices(around)) as [
    ServiceName,
    Parameters<typeof keep>[0],
  ][])
    keepers[name] = keep(
      kept,
      adoptable[name] ?? null,
      (record) => change({ services: { ...onRecord().services, [name]: record } }),
      log,
    );
  log(`supervisor ${process.pid} of ${state.path}`);

  const rotateLogs = logRotation(state, log);
  const tidying = setInterval(() => {
    catchUp();
    rotateLogs();
  }, tidyIntervalMs);
  // A state folder that was deleted cannot be stopped by `down` any more.
  const orphaned = new Promise<void>((settle) => {
    const look = setInterval(() => {
      if (existsSync(state.path)) return;
      clearInterval(look);
      settle();
    }, 1000);
    look.unref();
  });
  const told = new Promise<void>((settle) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => settle());
  });
  process.on("SIGHUP", () => log("SIGHUP ignored"));
  await Promise.race([told, orphaned]);
  log("stopping: first the worker, then its servers");
  clearInterval(tidying);
  await keepers.worker?.stop();
  await Promise.all([keepers.temporal?.stop(), keepers.postgres?.stop()]);
  if (existsSync(state.path)) change({ supervisor: null });
  lock.release();
  log("stopped");
}

await supervise(stateFolder());
// The native parts of the Temporal client may hold the process.
process.exit(0);
