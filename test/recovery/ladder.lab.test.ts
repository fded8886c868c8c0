/** The real rungs on a real lab: a router's QEMU that is killed, and a host without power. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileURLToPath } from "node:url";
import { recoveryActs } from "../../activities/recovery/acts.ts";
import type { LabBench } from "../../bench/lab-bench.ts";
import { openLabBench } from "../../bench/lab-bench.ts";
import { nextStep, nothingPossible } from "../../model/ladder.ts";
import type { RecoveryStep, StepReport } from "../../model/ladder.ts";
import type { AttemptRef } from "../../model/trial.ts";
import { guestFiles } from "../../hypervisors/kvm-command-line.ts";
import type { RecoveryActs, RungAnswer, RungOrder } from "../../workflows/acts.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const testbed = `
kind: lab
name: recovery
lineRateMbpsL1: 400
migrationRateMbpsL1: 1000
platforms: [kvm-virtio]
`;
const campaign = `
name: recovery
seed: 1
phases: { settleMs: 0, learnMs: 0, trialMs: 1000, drainMs: 500, restMs: 0 }
tolerance: { offeredLoadRatio: 0.5 }
forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 1000 }] }]
`;

let lab: LabBench;
let acts: RecoveryActs;
beforeAll(async () => {
  process.env.LONGHAUL_CACHE ??= `${repository}.longhaul/cache`;
  lab = await openLabBench(`${repository}.longhaul/test/recovery-${process.pid}`, testbed, () => 0);
  const { bench, store } = lab;
  acts = recoveryActs({ store, bench: () => Promise.resolve(bench), longhaulVersion: "test" });
}, 240_000);
afterAll(() => lab.close(), 60_000);

const actOf: Record<RecoveryStep, (order: RungOrder) => Promise<RungAnswer>> = {
  evidence: (order) => acts.collectEvidence(order),
  cancel: (order) => acts.cancelMigration(order),
  "destroy-both": (order) => acts.destroyBothCopies(order),
  recreate: (order) => acts.recreateRouter(order),
  "restart-toolstack": (order) => acts.restartToolstack(order),
  reboot: (order) => acts.rebootHosts(order),
  "power-cycle": (order) => acts.powerCycleHosts(order),
  quarantine: (order) => acts.quarantineHosts(order),
  health: (order) => acts.healthTrial(order),
};

/** Climbs as the workflow does, without Temporal. */
async function climbed(ref: AttemptRef) {
  const reports: StepReport[] = [];
  const words: string[] = [];
  let facts = nothingPossible;
  const id = `${ref.trialId}/recovery-${ref.attempt}`;
  for (;;) {
    const next = nextStep(facts, reports);
    if (next.kind !== "climb") {
      const outcome = next.kind === "recovered" ? "recovered" : "exhausted";
      const rung = next.kind === "recovered" ? next.by : "quarantine";
      await acts.closeRecovery({ ref, id, why: "a test", outcome, rung, words: outcome });
      return { end: next, steps: reports.map(({ step, status }) => `${step} ${status}`), words };
    }
    const { step, hosts } = next;
    const order = {
      ref: { ...ref, token: lab.attempt(ref.campaignId, ref.trialId).token },
      ...{ id, why: "a test", step, hosts },
    };
    const answer = await lab.run(() => actOf[step](order));
    facts = answer.facts ?? facts;
    reports.push(answer.report);
    words.push(`${step}: ${answer.words}`);
  }
}

async function prepared() {
  const { id, trials } = await lab.plan(campaign);
  const ref = lab.attempt(id, trials[0]?.id ?? "");
  await lab.run(() => lab.acts.prepare(ref));
  return ref;
}

/** The next trial, whole, on the recovered testbed. */
async function nextTrial() {
  const { id, trials } = await lab.plan(campaign);
  const ref = lab.attempt(id, trials[0]?.id ?? "");
  const { verdict } = await lab.trial(ref);
  return { verdict, after: await lab.store.isAfterRecovery(ref) };
}

describe("the ladder on the lab", () => {
  test("a router whose QEMU was killed is destroyed on both hosts, recreated, and healthy", async () => {
    const ref = await prepared();
    const r1 = await lab.bench.hosts.agent("R1");
    const { pid } = guestFiles(lab.bench.testbed.runFolder, "router-kvm-virtio");
    const { [pid]: text } = await r1.readFiles([pid]);
    await r1.act({ token: ref.token, bootIds: { R1: (await r1.identity()).bootId } }, [
      ...["kill", "-KILL", (text ?? "").trim()],
    ]);
    const { end, steps, words } = await climbed(ref);
    console.log(words.join("\n"));
    expect(words[0]).toContain("router stopped on R1, absent on R2; all hosts answer");
    expect(steps).toEqual([
      "evidence verified",
      "destroy-both verified",
      "recreate verified",
      "health verified",
    ]);
    expect(end).toEqual({ kind: "recovered", by: "recreate" });
    const events = await lab.store.events({ trial: ref.trialId });
    const rungs = events.filter(({ kind }) => kind === "rung");
    expect(rungs.map(({ content }) => content.step)).toEqual([
      ...["evidence", "destroy-both", "recreate", "health"],
    ]);
    for (const { content } of rungs) expect(content.durationMs).toBeGreaterThan(0);
    expect(JSON.stringify(rungs[0]?.content)).toContain("ROUTER-READY");
    expect(await nextTrial()).toEqual({
      verdict: { verdict: "valid", outcome: "completed" },
      after: true,
    });
    expect((await nextTrial()).after).toBe(false);
  }, 240_000);

  test("a host without power is power-cycled before anything is recreated, and runs another boot then", async () => {
    const ref = await prepared();
    const before = (await (await lab.bench.hosts.agent("R2")).identity()).bootId;
    await lab.bench.power.off("R2");
    const { end, steps, words } = await climbed(ref);
    console.log(words.join("\n"));
    expect(steps).toEqual([
      "evidence verified",
      "destroy-both failed",
      "power-cycle verified",
      "destroy-both verified",
      "recreate verified",
      "health verified",
    ]);
    expect(words[2]).toContain("R2 was off");
    expect(end).toEqual({ kind: "recovered", by: "power-cycle" });
    expect(await lab.bench.power.state("R2")).toBe("on");
    const after = (await (await lab.bench.hosts.agent("R2")).identity()).bootId;
    expect(after).not.toBe(before);
    expect((await nextTrial()).verdict).toEqual({ verdict: "valid", outcome: "completed" });
  }, 240_000);

  test("R2 in quarantine is switched off, and forwarding is measured without it, which the trial says", async () => {
    const { id, trials } = await lab.plan(campaign);
    const trial = trials[0]?.id ?? "";
    const given = lab.attempt(id, trial);
    const pids = await lab.bench.power.state("R2");
    expect(pids).toBe("on");
    // Nobody can ask it any more: its connections stand still.
    await lab.bench.faults?.inject(
      {
        fault: "ssh-blackhole",
        host: "R2",
        forMs: null,
        link: null,
        mbps: null,
        lossRatio: null,
        mib: null,
      },
      trial,
    );
    const order = { ref: given, id: `${trial}/recovery-1`, why: "a test", hosts: ["R2"] };
    const answer = await lab.run(() => acts.quarantineHosts({ ...order, step: "quarantine" }));
    expect(answer.words).toContain("R2: it does not answer; its power was switched off");
    expect(await lab.bench.power.state("R2")).toBe("off");
    expect(await lab.store.quarantines("recovery")).toMatchObject([{ host: "R2", isolated: true }]);

    const ref = lab.attempt(id, trial);
    const health = { ...order, ref: lab.attempt(id, trial), id: `${trial}/health-1` };
    const healthy = await lab.run(async () => {
      await acts.destroyBothCopies({ ...health, step: "destroy-both", hosts: ["R1", "R2"] });
      await acts.recreateRouter({ ...health, step: "recreate", hosts: ["R1"] });
      return acts.healthTrial({ ...health, step: "health", hosts: [] });
    });
    expect(healthy.report.status).toBe("verified");
    const next = { ...ref, token: lab.attempt(id, trial).token };
    expect((await lab.trial(next)).verdict).toEqual({ verdict: "valid", outcome: "completed" });
    const row = await lab.store.trial(trial);
    expect(row?.results.absentHosts).toBe("R2");
    expect(row?.doubts).toContain(
      "R2 was in quarantine and took no part: it has no counter series",
    );
    expect(Object.keys((await lab.store.attempts(trial))[0]?.bootIds ?? {})).not.toContain("R2");
    expect(await lab.bench.power.state("R2")).toBe("off");

    await acts.releaseHosts({
      campaignId: id,
      testbed: "recovery",
      hosts: null,
      by: "a",
      key: "k",
    });
    await lab.bench.faults?.clear("prepare");
    await lab.bench.power.on("R2");
    expect((await nextTrial()).verdict).toEqual({ verdict: "valid", outcome: "completed" });
  }, 240_000);

  test("an older token climbs no rung", async () => {
    const ref = await prepared();
    const order = { ref: { ...ref, token: ref.token - 1 }, id: "x", why: "a test", hosts: ["R1"] };
    await expect(
      lab.run(() => acts.powerCycleHosts({ ...order, step: "power-cycle" })),
    ).rejects.toMatchObject({ name: "Fenced" });
    expect(await lab.bench.power.state("R1")).toBe("on");
  }, 120_000);

  test("a host that declares no reboot from inside is never rebooted that way", async () => {
    const ref = await prepared();
    const bootId = async () => (await (await lab.bench.hosts.agent("R1")).identity()).bootId;
    const before = await bootId();
    const order = { ref: lab.attempt(ref.campaignId, ref.trialId), id: "y", why: "a test" };
    const answer = await lab.run(() =>
      acts.rebootHosts({ ...order, step: "reboot", hosts: ["R1"] }),
    );
    expect(answer.report.status).toBe("failed");
    expect(answer.words).toContain("R1: declares no reboot from inside");
    expect(await bootId()).toBe(before);
  }, 120_000);
});
