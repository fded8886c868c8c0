/**
 * The worker process: `node workers/main.ts`, with LONGHAUL_STATE. Serves every testbed of the store,
 * new ones within seconds. Survives Temporal and PostgreSQL being away; ends on SIGTERM or SIGINT.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@temporalio/client";
import type { Worker } from "@temporalio/worker";
import { taskQueue } from "../model/search-attributes.ts";
import { stateFolder } from "../services/state-folder.ts";
import { longhaulVersion } from "../services/version.ts";
import type { WorkerWord } from "../services/worker-ready.ts";
import { StoreUnavailable } from "../store/store.ts";
import { giveUpAbandoned } from "./abandoned.ts";
import { build } from "./build.ts";
import type { Built } from "./build.ts";
import { beginLostAnew } from "./lost-campaigns.ts";
import { patiently } from "./patience.ts";
import type { Waiting } from "./patience.ts";
import { installRuntime } from "./runtime.ts";
import { testbedWorker } from "./testbed-worker.ts";
import { workerSays } from "./worker-says.ts";

const lookForTestbedsMs = 1000;
const lookAroundMs = 5000;
const beatMs = 5000;
/** An act that ignores its end holds the process no longer than this. */
const endMs = 15_000;

/** What was said last of campaigns that could not be looked up; empty: they could. */
let lookUpFailure = "";

/** What it waits for now, by what it is. */
const waits = new Map<string, WorkerWord["waitsFor"]>();
const version = await longhaulVersion();
let serves = false;

const log = (line: string): void => console.log(`${new Date().toISOString()} ${line}`);
const stop = new AbortController();
for (const name of ["SIGTERM", "SIGINT"] as const)
  process.on(name, () => {
    if (!stop.signal.aborted) end(name);
  });

function end(why: string): void {
  log(`${why}: ending`);
  stop.abort();
  setTimeout(() => process.exit(1), endMs).unref();
}

const waiting: Waiting = {
  signal: stop.signal,
  log,
  tell(what, waitsFor) {
    if (waitsFor === null) waits.delete(what);
    else waits.set(what, waitsFor);
    announce();
  },
};

const says = workerSays(stateFolder(), log);

function announce(): void {
  const [first = null] = waits.values();
  const begins = serves ? null : { words: "it begins", isFinal: false };
  says.word({ version, waitsFor: first ?? begins });
}

installRuntime();
try {
  const built = await build(stateFolder(), waiting);
  void beat(built);
  await beginLost(built);
  serves = true;
  announce();
  await Promise.all([serveTestbeds(built), lookAround(built)]);
  await built.close();
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(error);
    process.exit(1);
  }
}
log("ended");
// The native core keeps the process alive where an act did not end (1.24.0).
process.exit(0);

/** Resolves when the process is to end and every worker has ended. */
async function serveTestbeds(built: Built): Promise<void> {
  const serving = new Map<string, Promise<void>>();
  while (!stop.signal.aborted) {
    try {
      const testbeds = await patiently("PostgreSQL", waiting, () => built.store.testbeds());
      for (const { name } of testbeds)
        if (!serving.has(name)) serving.set(name, serve(built, name));
      await delay(lookForTestbedsMs, undefined, { signal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted) throw error;
    }
  }
  await Promise.all(serving.values());
}

/**
 * Tells the supervisor that this process is of use: its event loop turns, and Temporal's native core
 * answers, if only that its server does not. Without a beat for a minute it is ended and started anew.
 */
async function beat({ connection }: Built): Promise<void> {
  while (!stop.signal.aborted) {
    await connection
      .withDeadline(Date.now() + beatMs, () => connection.workflowService.getSystemInfo({}))
      .catch(() => undefined);
    says.beat();
    await delay(beatMs, undefined, { signal: stop.signal }).catch(() => undefined);
  }
}

/** Campaigns that Temporal has forgotten; where it or the store does not answer, they are looked for later. */
async function beginLost({ client, store }: Built): Promise<void> {
  try {
    for (const id of await beginLostAnew(client, store, version))
      log(`${id}: its workflow was gone; begun anew from the store`);
    lookUpFailure = "";
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    if (!stop.signal.aborted && words !== lookUpFailure)
      log(`campaigns cannot be looked up: ${words}`);
    lookUpFailure = words;
  }
}

async function lookAround(built: Built): Promise<void> {
  while (!stop.signal.aborted) {
    await delay(lookAroundMs, undefined, { signal: stop.signal }).catch(() => undefined);
    if (stop.signal.aborted) return;
    const why = await whyStop(built);
    if (why !== null) end(`${why}, and this is ${version}`);
    else await beginLost(built);
  }
}

/** A newer Longhaul has changed the store, or waits until it can: the supervisor starts what is installed by then. */
async function whyStop({ schema }: Built): Promise<string | null> {
  try {
    return await schema.whyStop();
  } catch (error) {
    if (error instanceof StoreUnavailable) return null;
    throw error;
  }
}

/** Runs one testbed's worker, and another when it ends though nobody asked for it. */
async function serve(built: Built, testbed: string): Promise<void> {
  const { connection, client, namespace, bundle, activities } = built;
  while (!stop.signal.aborted) {
    try {
      const worker = await patiently(`worker of ${testbed}`, waiting, () =>
        testbedWorker({ connection, namespace, bundle, activities, testbed }),
      );
      log(`serving the testbed ${testbed}`);
      await Promise.all([runUntilStopped(worker), giveUp(client, testbed)]);
    } catch (error) {
      if (stop.signal.aborted) return;
      log(`worker of ${testbed}: ${error instanceof Error ? error.message : String(error)}`);
      await delay(lookForTestbedsMs);
    }
  }
}

/** What a dead worker had in hand; when that cannot be looked up, its heartbeats end it later. */
async function giveUp(client: Client, testbed: string): Promise<void> {
  try {
    const given = await giveUpAbandoned(client, taskQueue(testbed));
    if (given > 0) log(`${testbed}: gave up ${given} acts of a worker that died`);
  } catch (error) {
    log(`${testbed}: acts of a dead worker could not be looked up: ${String(error)}`);
  }
}

async function runUntilStopped(worker: Worker): Promise<void> {
  const end = () => worker.shutdown();
  stop.signal.addEventListener("abort", end);
  try {
    if (stop.signal.aborted) end();
    await worker.run();
  } finally {
    stop.signal.removeEventListener("abort", end);
  }
}
