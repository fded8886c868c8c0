/** Trials on a lab that is disturbed under way: the fault is real, and so is what the judges make of it. */
import { fileURLToPath } from "node:url";
import { guestOf } from "../../activities/guest.ts";
import type { LabBench } from "../../bench/lab-bench.ts";
import { openLabBench } from "../../bench/lab-bench.ts";
import { clearFaults, makeFault } from "../../lab/faults/faults.ts";
import type { FaultName, FaultOrder } from "../../model/fault.ts";
import type { AttemptRef } from "../../model/trial.ts";
import { unitName } from "../../model/unit-name.ts";
import { stateFolder } from "../../services/state-folder.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
/** A wire on which a migration takes some ten seconds: time enough for a fault in its midst. */
const testbed = `
kind: lab
name: hangs
lineRateMbpsL1: 400
migrationRateMbpsL1: 60
platforms: [kvm-virtio]
`;
const campaign = (windowMs: number, parts: string) => `
name: hangs
seed: 1
phases: { settleMs: 0, learnMs: 0, trialMs: 6000, drainMs: 500, restMs: 0 }
migrationMarginMs: 1000
migrationDeadlineMs: 90000
hang: { windowMs: ${windowMs} }
tolerance: { offeredLoadRatio: 0.5 }
${parts}
`;
const none = { host: null, forMs: null, link: null, mbps: null, lossRatio: null, mib: null };

export type Disturbance = (
  make: (fault: FaultName, settings?: Partial<FaultOrder>) => Promise<unknown>,
) => Promise<unknown>;

export async function openHangLab(name: string, windowMs = 5000) {
  process.env.LONGHAUL_CACHE ??= `${repository}.longhaul/cache`;
  const folder = `${repository}.longhaul/test/${name}-${process.pid}`;
  const lab = await openLabBench(folder, testbed, () => 0);
  const state = stateFolder(folder);

  const disturbed = async (parts: string, unit: "migration" | "load", disturb: Disturbance) => {
    const { id, trials } = await lab.plan(campaign(windowMs, parts));
    const ref = lab.attempt(id, trials[0]?.id ?? "");
    const { acts, store } = lab;
    const run = <Result>(act: () => Promise<Result>) => lab.run(act);
    try {
      await run(() => acts.prepare(ref));
      const measuring = run(() => acts.measure(ref));
      measuring.catch(() => undefined);
      await untilUnitRuns(lab, ref, unit);
      await disturb((fault, settings = {}) => makeFault(state, { ...none, ...settings, fault }));
      await measuring;
      const location = unit === "migration" ? (await run(() => acts.locate(ref))).location : null;
      const judged = await run(() => acts.judge(ref, { final: true }));
      const verdict =
        judged.verdict === "valid" ? { verdict: judged.verdict, outcome: judged.outcome } : judged;
      const [row, measurement, events] = await Promise.all([
        store.trial(ref.trialId),
        store.measurement(ref.trialId, 1),
        store.events({ trial: ref.trialId }),
      ]);
      const evidence = events.filter(({ kind }) => kind === "evidence");
      return { verdict, location, row, measurement, evidence };
    } finally {
      await clearFaults(state);
      await run(() => acts.restore(ref));
    }
  };
  return {
    migration: (disturb: Disturbance) =>
      disturbed(
        "migration: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }], directions: [R1toR2] }]",
        "migration",
        disturb,
      ),
    forwarding: (disturb: Disturbance) =>
      disturbed(
        "forwarding: [{ platforms: [kvm-virtio], frameSizesBytes: [64], loads: [{ fps: 500 }] }]",
        "load",
        disturb,
      ),
    /** What the host says of its router now. */
    routerAt: (host: "R1" | "R2") => {
      const { drivers, testbed } = lab.bench;
      const driver = drivers["kvm-virtio"];
      if (driver === undefined) throw new Error("the lab has no kvm-virtio");
      const guest = { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" };
      return driver.inspect(host, guestOf(testbed, guest, "kvm-virtio"));
    },
    close: async () => {
      await clearFaults(state);
      await lab.close();
    },
  };
}

async function untilUnitRuns(lab: LabBench, ref: AttemptRef, unit: "migration" | "load") {
  const agent = await lab.bench.hosts.agent(unit === "migration" ? "R1" : "A");
  const end = performance.now() + 60_000;
  // A load's unit waits for its start: only its frames on the wire show that it sends.
  const sent = async () => (await agent.counters()).interfaces.eth0?.txFrames ?? 0;
  const before = unit === "load" ? await sent() : 0;
  for (;;) {
    const runs =
      unit === "load"
        ? (await sent()) - before > 500
        : (await agent.unit(unitName(ref, unit)))?.status === "running";
    if (runs) break;
    if (performance.now() > end) throw new Error(`${unit} of ${ref.trialId} did not begin`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
  // In its midst, not at its first byte.
  await new Promise((wake) => setTimeout(wake, 1500));
}
