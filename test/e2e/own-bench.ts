/** A state folder of a test's own, used as a person would: through the command line alone. */
import { readFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { execa } from "execa";
import { markedProcesses } from "../../bench/marked-processes.ts";
import { stateFolder } from "../../services/state-folder.ts";
import type { TrialJson } from "../../report/trial-json.ts";
import type { CampaignJson } from "../../cli/campaign-json.ts";

const repository = join(import.meta.dirname, "../..");

export interface Answer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const testbed = (migrationRateMbpsL1: number) => `kind: lab
name: e2e
lineRateMbpsL1: 1000
migrationRateMbpsL1: ${migrationRateMbpsL1}
platforms: [bare, kvm-virtio]
generator: tcpreplay
calibratedFrameSizesBytes: [64]
accelerator: prove
guestImage: router
`;

export function ownBench(name: string, migrationRateMbpsL1 = 1000) {
  const env = { LONGHAUL_CACHE: join(repository, ".longhaul/cache") };
  const state = stateFolder(join(repository, ".longhaul/test", name), env);
  mkdirSync(state.path, { recursive: true });
  const file = (fileName: string, content: string): string => {
    const path = join(state.path, fileName);
    writeFileSync(path, content);
    return path;
  };
  const testbedFile = file("testbed.yaml", testbed(migrationRateMbpsL1));

  /** Not awaited, it can be sent signals. */
  const start = (...argv: string[]) =>
    execa(join(repository, "bin/longhaul"), ["--state", state.path, ...argv], {
      reject: false,
      env,
      stdin: "ignore",
    });

  const longhaul = async (...argv: string[]): Promise<Answer> => {
    const { exitCode, stdout, stderr } = await start(...argv);
    return { exitCode: exitCode ?? -1, stdout, stderr };
  };

  const json = async <Result>(...argv: string[]): Promise<Result> => {
    const { exitCode, stdout, stderr } = await longhaul(...argv, "--json");
    if (exitCode !== 0) throw new Error(`${argv.join(" ")}: exit ${exitCode}: ${stderr}`);
    return JSON.parse(stdout) as Result;
  };

  const status = (id: string) => json<CampaignJson>("status", id);

  return {
    state,
    testbedFile,
    file,
    start,
    longhaul,
    json,
    status,
    run: (campaign: string, ...argv: string[]) =>
      longhaul("run", campaign, "--testbed", testbedFile, ...argv),
    trials: (id: string) => json<TrialJson[]>("trials", id),
    /** The campaign's status as soon as it is so. @throws after the deadline, with the last one. */
    async until(id: string, holds: (status: CampaignJson) => boolean, deadlineMs = 60_000) {
      const end = Date.now() + deadlineMs;
      for (;;) {
        const now = await status(id);
        if (now.state !== null && holds(now)) return now;
        if (Date.now() > end)
          throw new Error(`not within ${deadlineMs} ms: ${JSON.stringify(now)}`);
        await delay(100);
      }
    },
    pidOf(service: "temporal" | "postgres" | "worker" | "supervisor"): number {
      const file = JSON.parse(readFileSync(join(state.path, "services.json"), "utf8")) as {
        supervisor: { pid: number } | null;
        services: Record<string, { process: { pid: number } | null }>;
      };
      const found = service === "supervisor" ? file.supervisor : file.services[service]?.process;
      const pid = found?.pid;
      if (pid === undefined) throw new Error(`${service} does not run`);
      return pid;
    },
    /** Pids of whatever bears this state folder's marks: services and lab. */
    marked: (): number[] => markedProcesses(state).map(({ pid }) => pid),
    /** Command lines of whatever bears this state folder's marks. */
    left: (): string[] => markedProcesses(state).map(({ commandLine }) => commandLine),
  };
}

/** A campaign file of constant loads on plain Linux forwarding, in trials of a given length. */
export const bareCampaign = (
  name: string,
  trialMs: number,
  fps: readonly number[],
  settleMs = 50,
): string =>
  `name: ${name}
seed: 1
repetitions: 1
guest: { memoryMib: 32 }
phases: { settleMs: ${settleMs}, learnMs: 50, trialMs: ${trialMs}, drainMs: 100, restMs: 50 }
forwarding:
  - platforms: [bare]
    frameSizesBytes: [64]
    loads: [${fps.map((rate) => `{ fps: ${rate} }`).join(", ")}]
tolerance: { offeredLoadRatio: 0.1 }
`;
