/** Starts the services under a supervisor, and waits until they serve. */
import { spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { externalDatabase, externalDatabasePlace, externalTemporal } from "./endpoints.ts";
import { checkout } from "./kept-services.ts";
import { waitForLock } from "./lock.ts";
import { logFile, logTail } from "./log-files.ts";
import { gone, identityOf, isAlive, signalTo } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readServices, serviceNames } from "./services-file.ts";
import type { ServiceName, ServicesFile } from "./services-file.ts";
import { living, servicesStatus } from "./services-status.ts";
import type { ServicesStatus } from "./services-status.ts";
import type { StateFolder } from "./state-folder.ts";
import { temporalAtHand, temporalBinary } from "./temporal.ts";
import type { Log } from "./temporal.ts";
import { longhaulVersion } from "./version.ts";
import { setWanted } from "./wanted.ts";
import { workerWord } from "./worker-ready.ts";

const startDeadlineMs = 180_000;
/** A service that fails this often in a row while `up` waits will not come up by waiting. */
const hopelessRestarts = 4;

/**
 * Brings Temporal, PostgreSQL and the worker up under a supervisor, and waits until all are ready.
 * Does nothing when they are; adopts what a killed supervisor left; a second `up` waits for the first.
 * The lab, if one is wanted, is the caller's to restore.
 *
 * @throws when a service does not come up; the message ends with its log's last lines.
 */
export async function up(
  state: StateFolder,
  options: { readonly log: Log; readonly env?: NodeJS.ProcessEnv },
): Promise<ServicesStatus> {
  const env = options.env ?? process.env;
  const lock = await waitForLock(join(state.path, "up.lock"), startDeadlineMs);
  try {
    const running = living(readServices(state)?.supervisor);
    if (running !== null) refuseOtherServers(readServices(state), env);
    setWanted(state, { services: true });
    if (running !== null && servicesStatus(state).ready) {
      await deployWorker(state, running, options.log);
      return servicesStatus(state);
    }
    // One that is here is told by the supervisor's log; a download takes its time.
    const tell = temporalAtHand(state.cache, env) === null ? options.log : () => undefined;
    if (externalTemporal(env) === null) await temporalBinary(state.cache, tell, env);
    const supervisor = running ?? startSupervisor(state, env);
    options.log(`starting ${started(env).join(", ")} …`);
    await allReady(state, supervisor);
    return servicesStatus(state);
  } finally {
    lock.release();
  }
}

/** A worker of another version than this program's ends, and the supervisor starts what is installed now; what it measures is collected. */
async function deployWorker(state: StateFolder, supervisor: ProcessIdentity, log: Log) {
  const word = workerWord(state);
  const version = await longhaulVersion();
  if (word === null || word.version === version) return;
  log(`the worker runs Longhaul ${word.version}; it is started anew as ${version}`);
  signalTo(word.process, "SIGTERM");
  await gone(word.process, startDeadlineMs);
  await allReady(state, supervisor);
}

const started = (env: NodeJS.ProcessEnv): readonly string[] => [
  ...(externalTemporal(env) === null ? ["Temporal"] : []),
  ...(externalDatabase(env) === null ? ["PostgreSQL"] : []),
  "the worker",
];

function startSupervisor(state: StateFolder, env: NodeJS.ProcessEnv): ProcessIdentity {
  const descriptor = openSync(logFile(state, "supervisor"), "a", 0o600);
  try {
    const child = spawn(process.execPath, [join(checkout, "services", "supervisor.ts")], {
      cwd: checkout,
      detached: true,
      env: { ...env, LONGHAUL_STATE: state.path, LONGHAUL_CACHE: state.cache },
      stdio: ["ignore", descriptor, descriptor],
    });
    const identity = child.pid === undefined ? null : identityOf(child.pid);
    if (identity === null) throw new Error("the supervisor could not be started");
    child.unref();
    return identity;
  } finally {
    closeSync(descriptor);
  }
}

async function allReady(state: StateFolder, supervisor: ProcessIdentity): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  const first = servicesStatus(state);
  const before = (name: ServiceName): number =>
    first.supervisor.pid === supervisor.pid ? first[name].restarts : 0;
  for (;;) {
    const status = servicesStatus(state);
    if (status.ready && status.supervisor.pid === supervisor.pid) return;
    const tail = (service: "supervisor" | ServiceName) =>
      `\n${logTail(logFile(state, service), 15).join("\n")}\nSee ${logFile(state, service)}.`;
    if (!isAlive(supervisor))
      throw new Error(`the supervisor ended while it started the services${tail("supervisor")}`);
    const hopeless = serviceNames.find(
      (name) => status[name].restarts - before(name) >= hopelessRestarts,
    );
    const word = workerWord(state);
    if (word?.waitsFor?.isFinal === true)
      throw new Error(`the worker cannot begin: ${word.waitsFor.words}`);
    if (hopeless !== undefined && status.supervisor.pid === supervisor.pid)
      throw new Error(
        `${hopeless} does not come up (${status[hopeless].lastEnd}); it is tried on in the background until \`longhaul down\`${tail(hopeless)}`,
      );
    if (Date.now() > deadline)
      throw new Error(
        `the services were not ready within ${startDeadlineMs / 1000} s${tail("supervisor")}`,
      );
    await delay(50);
  }
}

function refuseOtherServers(file: ServicesFile | null, env: NodeJS.ProcessEnv): void {
  const wantsTemporal = externalTemporal(env)?.address ?? null;
  const wantsDatabase = externalDatabasePlace(env);
  if (file?.external.temporal === wantsTemporal && file.external.postgres === wantsDatabase) return;
  throw new Error(
    `services run with Temporal ${file?.external.temporal ?? "embedded"} and PostgreSQL ${file?.external.postgres ?? "embedded"}, ` +
      `but the environment now names ${wantsTemporal ?? "the embedded one"} and ${wantsDatabase ?? "the embedded one"}; run \`longhaul down\` first`,
  );
}
