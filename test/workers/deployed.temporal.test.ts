/** Another version of the workflows is deployed while a campaign runs. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Context } from "@temporalio/activity";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freshId, startCampaign, until, worker } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { scripted, scriptedPlan } from "../workflows/scripted.ts";
import { temporalServer } from "../workflows/server.ts";

const root = join(import.meta.dirname, "../..");
const folder = join(root, `.longhaul/test/deployed-${process.pid}`);
const bundles = { today: "", careless: "", next: "" };
let bench: Bench;

/** The workflows of today, but for one more look at the router before every judgement. */
async function variant(name: string, anotherLook: string): Promise<string> {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  for (const part of ["workflows", "model", "stats"])
    cpSync(join(root, part), join(own, part), { recursive: true });
  const file = join(own, "workflows/attempt.ts");
  const source = readFileSync(file, "utf8");
  const judges = '    const judging = patiently(() => step("judge")';
  expect(source.split(judges)).toHaveLength(2);
  writeFileSync(file, source.replace(judges, `    ${anotherLook}\n${judges}`));
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(own, "workflows/index.ts"),
    logger: new DefaultLogger("ERROR"),
  });
  const bundle = join(own, "bundle.cjs");
  writeFileSync(bundle, code);
  return bundle;
}

beforeAll(async () => {
  bench = await temporalServer();
  bundles.today = bench.bundle;
  const look = 'await patiently(() => step("locate")(ref));';
  bundles.careless = await variant("careless", look);
  bundles.next = await variant("next", `if (patched("looks before it judges")) ${look}`);
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await bench.environment.teardown();
});

test("a campaign begun by one version is stalled, not lost, by one that forgot `patched`, and finished by one that did not", async () => {
  const campaignId = freshId();
  const { client } = bench.environment;
  let deployed = false;
  const script = scripted(scriptedPlan(campaignId, [{ loads: 3 }, { loads: 1 }]), {
    measure: (next) => async (ref) => {
      if (!deployed && ref.trialId.endsWith("load2")) await Context.current().cancelled;
      await next(ref);
    },
    // The load went on while its worker was replaced.
    collect: () => async () => ({ status: "measured" }),
  });
  const on = (bundle: string) => worker({ ...bench, bundle }, script.activities, campaignId);

  const handle = await (
    await on(bundles.today)
  ).runUntil(async () => {
    const begun = await startCampaign(client, campaignId, { campaignId });
    await until("the second load is measured", () => script.calls.includes("measure load2#1"));
    return begun;
  });
  deployed = true;
  const sweep = client.workflow.getHandle(`${campaignId}/b01/forwarding-1`);

  await (
    await on(bundles.careless)
  ).runUntil(async () => {
    await until("it cannot be replayed", async () => {
      const { events } = await sweep.fetchHistory();
      return (events ?? []).some(({ workflowTaskFailedEventAttributes: failed }) =>
        failed?.failure?.message?.includes("Nondeterminism"),
      );
    });
  });
  expect((await sweep.describe()).status.name).toBe("RUNNING");
  expect(script.trials.map(({ verdicts }) => verdicts)).toEqual([1, 0, 0, 0]);

  await (await on(bundles.next)).runUntil(handle.result());
  expect(script.trials.map(({ state, verdicts }) => `${state} ${verdicts}`)).toEqual(
    script.trials.map(() => "valid 1"),
  );
  // Measured once, though two workers were replaced under it; what was begun before goes its old way.
  expect(script.calls.filter((call) => call.startsWith("measure load2"))).toEqual([
    "measure load2#1",
  ]);
  expect(script.calls.filter((call) => call.startsWith("locate"))).toEqual([
    "locate load2#1",
    "locate load3#1",
    "locate load1#1",
  ]);
});
