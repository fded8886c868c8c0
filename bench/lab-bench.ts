/** A lab, a store and the trial acts on both, without Temporal: for benchmarks and lab tests. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";
import type { Bench, TrialDeps } from "../activities/deps.ts";
import { withParts } from "../activities/parts.ts";
import { trialActs } from "../activities/trials.ts";
import { generators } from "../generators/generators.ts";
import { drivers } from "../hypervisors/drivers.ts";
import { faultInjector } from "../lab/faults/faults.ts";
import { labDown, labPower, labUp } from "../lab/lab.ts";
import { parseCampaign } from "../model/campaign-schema.ts";
import { expandPlan } from "../model/plan.ts";
import { platforms } from "../model/platforms.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import type { Testbed } from "../model/testbed.ts";
import type { AttemptRef, AttemptVerdict, PlannedTrial } from "../model/trial.ts";
import { packetSink } from "../probes/sink.ts";
import { openHosts } from "../remote/hosts.ts";
import { freePort, startPostgres } from "../services/postgres.ts";
import { stateFolder } from "../services/state-folder.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import type { TrialActs } from "../workflows/acts.ts";

export interface TimedTrial {
  readonly verdict: AttemptVerdict;
  readonly stepsMs: Readonly<Record<string, number>>;
  /** Named parts of each step; parts that ran side by side overlap. */
  readonly parts: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export interface LabBench {
  readonly bench: Bench;
  readonly store: Store;
  readonly acts: TrialActs;
  /** Writes a campaign with its plan; answers with its trials in order. */
  plan(campaignYaml: string): Promise<{ id: string; trials: readonly PlannedTrial[] }>;
  /** The next attempt of a trial, with a token above all before. */
  attempt(campaignId: string, trialId: string, attempt?: number): AttemptRef;
  /** Runs an act as Temporal would: with an activity's context. */
  run<Result>(act: () => Promise<Result>): Promise<Result>;
  /** Runs an act as a worker would that is told to stop as soon as `when` holds; returns when the act has ended. @throws {Error} it ended before. */
  cut(act: () => Promise<unknown>, when: () => Promise<boolean>): Promise<void>;
  /** prepare · measure · (locate) · judge · restore of one attempt, and how long each took in ms. */
  trial(ref: AttemptRef): Promise<TimedTrial>;
  close(): Promise<void>;
}

/** Brings up a lab and a PostgreSQL of their own under `folder`, a path. `close` leaves nothing. */
export async function openLabBench(
  folder: string,
  testbedYaml: string,
  log: (line: string) => void,
): Promise<LabBench> {
  const state = stateFolder(folder);
  const file = parseTestbed(testbedYaml, "testbed.yaml");
  if (file.kind !== "lab") throw new Error("a lab bench needs a testbed of kind lab");
  const labFile = file;
  const postgres = await startPostgres({
    dataFolder: `${folder}/postgres-${randomBytes(3).toString("hex")}`,
    port: await freePort(),
    password: randomBytes(12).toString("base64"),
    log: `${folder}/postgres.log`,
  });
  const store = openStore(postgres.url);
  const closeAll = async (): Promise<void> => {
    await labDown(state);
    await store.close();
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  };
  const testbed = await bringUp();
  const hosts = openHosts(testbed);
  const generator = generators(testbed, hosts)[testbed.generator];
  if (generator === undefined) throw new Error(`no generator ${testbed.generator}`);
  const bench: Bench = {
    testbed,
    hosts,
    drivers: drivers(testbed, hosts),
    generator,
    receiver: generator.receiver ?? packetSink(hosts),
    power: labPower(state),
    faults: faultInjector(state),
  };
  const deps: TrialDeps = {
    store,
    bench: () => Promise.resolve(bench),
    longhaulVersion: "bench",
  };
  await store.putTestbed({ name: testbed.name, kind: "lab", content: file });
  const acts = trialActs(deps);
  let token = 0;
  let campaigns = 0;

  const activity = () => new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR") });
  const run: LabBench["run"] = (act) => activity().run(act);

  return {
    bench,
    store,
    acts,
    run,
    cut: async (act, when) => {
      const worker = activity();
      const end = worker.run(act).then(
        () => "completed",
        (error: unknown) => String(error),
      );
      const ended = end.then(() => true);
      for (;;) {
        if (await when()) break;
        if (await Promise.race([ended, setTimeout(20, false)]))
          throw new Error(`the act ended before it was cut: ${await end}`);
      }
      worker.cancel("WORKER_SHUTDOWN");
      if ((await end) === "completed") throw new Error("the act ended before it was cut");
    },
    plan: async (campaignYaml) => {
      campaigns += 1;
      const campaign = parseCampaign(campaignYaml, "campaign.yaml");
      const id = `${campaign.name}-${campaigns}`;
      const facts = {
        ...testbed,
        images: Object.keys(testbed.images),
        calibrations: null,
        known: platforms,
      };
      const { trials, omissions, hash } = expandPlan(campaign, facts, id);
      await store.putPlan({
        ...{ id, testbed: testbed.name, campaign, planHash: hash, omissions, trials },
        ...{ workflowId: `campaign/${id}`, temporalUi: null, longhaulVersion: "bench" },
        calibrations: [],
      });
      return { id, trials };
    },
    attempt: (campaignId, trialId, attempt = 1) => {
      token += 1;
      return { campaignId, testbed: testbed.name, trialId, attempt, token };
    },
    trial: async (ref) => {
      const stepsMs: Record<string, number> = {};
      const parts: Record<string, Record<string, number>> = {};
      const step = async <Result>(name: string, act: () => Promise<Result>): Promise<Result> => {
        const start = performance.now();
        try {
          return await run(() => withParts(act, (parts[name] = {})).done);
        } finally {
          stepsMs[name] = performance.now() - start;
        }
      };
      try {
        await step("prepare", () => acts.prepare(ref));
        await step("measure", () => acts.measure(ref));
        if (ref.trialId.includes("/migration-")) await step("locate", () => acts.locate(ref));
        const judged = await step("judge", () => acts.judge(ref, { final: true }));
        // Its words stand in the trial's doubts.
        const verdict =
          judged.verdict === "valid"
            ? { verdict: judged.verdict, outcome: judged.outcome }
            : judged;
        return { verdict, stepsMs, parts };
      } finally {
        await step("restore", () => acts.restore(ref));
      }
    },
    close: async () => {
      await hosts.close();
      await closeAll();
    },
  };

  async function bringUp(): Promise<Testbed> {
    try {
      await store.migrate();
      return await labUp(state, labFile, { log });
    } catch (error) {
      await closeAll();
      throw error;
    }
  }
}
