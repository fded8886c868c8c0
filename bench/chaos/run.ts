/** One chaos campaign from its file to its record: started, struck, waited for, read, taken down. */
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { spawn, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { endpoints } from "../../services/endpoints.ts";
import { stateFolder } from "../../services/state-folder.ts";
import { openStore } from "../../store/open-store.ts";
import { type CampaignStatus, type Store, StoreUnavailable } from "../../store/store.ts";
import { leftOnHosts } from "../left-on-hosts.ts";
import { markedProcesses } from "../marked-processes.ts";
import { campaignFile, testbedFile } from "./campaign-file.ts";
import type { Chaos } from "./draw.ts";
import { readStore, readTemporal } from "./gather.ts";
import { followJournals } from "./journals.ts";
import type { ChaosRecord, Struck } from "./record.ts";
import { fell, type Field, until } from "./strike.ts";

const checkout = join(import.meta.dirname, "../..");

export interface ChaosRun {
  readonly campaign: string;
  readonly record: ChaosRecord;
  readonly elapsedMs: number;
}

/**
 * The folder is made anew: an earlier run that was broken off would hold the testbed.
 * @throws {Error} what kept the campaign from its end; the lab and the services are taken down all the same
 */
export async function runChaos(
  folder: string,
  chaos: Chaos,
  options: { readonly deadlineMs: number; readonly log: (line: string) => void },
): Promise<ChaosRun> {
  process.env.LONGHAUL_CACHE ??= join(checkout, ".longhaul/cache");
  // Asked before it is taken as a state folder, which begins to fill it.
  const foreign =
    existsSync(folder) &&
    !existsSync(join(folder, "chaos.yaml")) &&
    readdirSync(folder).some((name) => name !== "logs");
  if (foreign)
    throw new Error(`${folder}: holds what is not of a chaos campaign; name another folder`);
  const state = stateFolder(folder);
  const campaign = `chaos-${chaos.seed}-${Date.now().toString(36)}`;
  const argv = (...words: readonly string[]) => [
    ...[join(checkout, "cli/main.ts"), "--state", state.path],
    ...words,
  ];
  const longhaul = async (...words: string[]) => {
    const { exitCode, stderr } = await execa(process.execPath, argv(...words), { reject: false });
    if (exitCode !== 0) throw new Error(`longhaul ${words.join(" ")}: exit ${exitCode}: ${stderr}`);
  };
  if (existsSync(join(folder, "chaos.yaml"))) {
    await longhaul("down");
    rmSync(state.path, { recursive: true, force: true });
  }
  mkdirSync(state.logs, { recursive: true });
  const cliLog = openSync(join(state.logs, "chaos-cli.log"), "a");
  const file = (name: string, content: string) => {
    writeFileSync(join(state.path, name), content);
    return join(state.path, name);
  };
  const run = [
    ...["run", file("chaos.yaml", campaignFile(chaos)), "--id", campaign],
    ...["--testbed", file("chaos-testbed.yaml", testbedFile)],
  ];
  let attached: ChildProcess | null = null;
  const cli = {
    attach: () => {
      attached = spawn(process.execPath, argv(...run), { stdio: ["ignore", cliLog, cliLog] });
    },
    kill: () => void attached?.kill("SIGKILL"),
  };

  const held: { store: Store | null } = { store: null };
  try {
    cli.attach();
    await until("the campaign measures", 180_000, async () => {
      if (attached?.exitCode != null)
        throw new Error(
          `longhaul run ended: ${readFileSync(join(state.logs, "chaos-cli.log"), "utf8")}`,
        );
      held.store ??= openedStore();
      return (await statusOf(held.store, campaign))?.running === 1;
    });
    const { store } = held;
    if (store === null) throw new Error("there is no store");
    const field: Field = {
      ...{ state, store, cli, log: options.log },
      up: () => longhaul("up"),
      resume: () => longhaul("resume", campaign),
    };
    const journals = followJournals(state);
    const startedMs = Date.now();
    const calls: string[] = [];
    const struck = await strikeAll(field, chaos, campaign, calls, options.deadlineMs);
    const elapsedMs = Date.now() - startedMs;
    const record = {
      ...(await readStore(store, endpoints(state).databaseUrl, campaign, chaos)),
      temporal: await readTemporal(state, campaign),
      journals: journals.end(),
      struck,
      calls,
    };
    const onHosts = await leftOnHosts(state);
    await store.close();
    held.store = null;
    await longhaul("down");
    const left = [
      ...onHosts,
      ...markedProcesses(state).map(({ pid, commandLine }) => `process ${pid}: ${commandLine}`),
    ];
    return { campaign, record: { ...record, left }, elapsedMs };
  } finally {
    await held.store?.close();
    cli.kill();
    await longhaul("down");
  }

  function openedStore(): Store | null {
    try {
      return openStore(endpoints(state).databaseUrl);
    } catch {
      return null;
    }
  }
}

/** Lets every strike fall at its moment, and waits for the campaign's end. Does what a person does when it calls for one. */
async function strikeAll(
  field: Field,
  { strikes, trials }: Chaos,
  campaign: string,
  calls: string[],
  deadlineMs: number,
): Promise<readonly Struck[]> {
  const end = Date.now() + deadlineMs;
  const falling: Promise<Struck>[] = [];
  const waiting = [...strikes];
  const failures: unknown[] = [];
  let called: string | null = null;
  for (;;) {
    const status = await statusOf(field.store, campaign);
    const verdicts = status === null ? -1 : status.verdicts.valid + status.verdicts.invalid;
    while (waiting[0] !== undefined && waiting[0].afterVerdicts <= verdicts) {
      const [strike] = waiting.splice(0, 1);
      if (strike === undefined) break;
      const blow = delay(strike.delayMs).then(() => fell(field, strike));
      blow.catch((error: unknown) => failures.push(error));
      falling.push(blow);
    }
    const [failure] = failures;
    if (failure !== undefined) throw new Error("a strike could not be made", { cause: failure });
    if (status?.state === "completed") return await Promise.all(falling);
    if (status?.state !== "waiting") called = null;
    else if (status.reason !== called) {
      called = status.reason;
      if (!calls.includes(called ?? "")) calls.push(called ?? "");
      field.log(`a person is called for: ${called}`);
      // Nothing here is broken for good: there is nothing to mend, and it may be tried again.
      await field.resume().catch((error: unknown) => {
        field.log(`resume is tried again: ${String(error)}`);
        called = null;
      });
    }
    if (Date.now() > end)
      throw new Error(
        `${verdicts} of ${trials} trials after ${deadlineMs} ms: ${JSON.stringify(status)}`,
      );
    await delay(200);
  }
}

/** null: the store is away, or knows nothing of it yet. */
async function statusOf(store: Store | null, campaign: string): Promise<CampaignStatus | null> {
  try {
    return (await store?.status(campaign)) ?? null;
  } catch (error) {
    if (error instanceof StoreUnavailable || (error as { code?: string }).code === "42P01")
      return null;
    throw error;
  }
}
