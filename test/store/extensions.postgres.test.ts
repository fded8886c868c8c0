import { expect, test } from "vitest";
import { extendable } from "../../cli/extend.ts";
import { writePlan } from "../../cli/launch.ts";
import { readRunFiles } from "../../cli/run-files.ts";
import { UsageError } from "../../model/usage-error.ts";
import type { CampaignStatus } from "../../store/store.ts";
import { withStore } from "./postgres-server.ts";

const at = withStore();
const stored = { temporalUi: null, longhaulVersion: "0.1.0" };
const extend = (campaignId: string, repetitions: number) =>
  at.store.extendCampaign({ campaignId, repetitions, by: "ann" });
const sumOf = ({ verdicts, pending, running }: CampaignStatus) =>
  verdicts.valid + verdicts.invalid + verdicts.skipped + pending + running;

/** The file as a user has it: two repetitions of a sweep with a load of the capacity, and of a migration. */
function filesOf(id: string, repetitions = 2) {
  const { campaign, ...files } = readRunFiles("campaigns/smoke.yaml", "testbeds/lab.yaml", id);
  const loads = [{ mbpsL2: 10 }, { ofCapacity: 0.5 }];
  const forwarding = [{ platforms: ["bare", "kvm-virtio"], frameSizesBytes: [64], loads }];
  return { ...files, campaign: { ...campaign, repetitions, forwarding } };
}

async function planned(id: string) {
  const files = filesOf(id);
  const { testbed } = files;
  await at.store.putTestbed({ name: testbed.name, kind: testbed.kind, content: testbed });
  return { files, plan: await writePlan(at.store, files, id, stored) };
}

test("more repetitions append blocks: no planned trial changes, verdicts stand, and the sum holds", async () => {
  const { plan } = await planned("more");
  const before = await at.store.trials("more");
  const [first] = before;
  await at.store.skipTrial(
    { trialId: first?.id ?? "", by: "ann", why: "no" },
    { evenRunning: false },
  );
  const each = plan.trials.length / 2;
  expect(await extend("more", 5)).toEqual({
    ...{ status: "extended", planned: 5 * each, added: 3 * each },
  });
  const after = await at.store.trials("more");
  expect(after.slice(1, before.length)).toEqual(before.slice(1));
  expect(after[0]).toMatchObject({ id: first?.id, state: "skipped" });
  expect(after.map(({ position }) => position)).toEqual(after.map((_, index) => index));
  expect([...new Set(after.map(({ repetition }) => repetition))]).toEqual([1, 2, 3, 4, 5]);
  const status = await at.store.campaign("more");
  expect(status).toMatchObject({ planned: 5 * each, content: { repetitions: 5 } });
  expect(status === null ? 0 : sumOf(status)).toBe(5 * each);
  const [event] = await at.store.events({ campaign: "more" });
  expect(event).toMatchObject({ kind: "extended", content: { from: 2, to: 5, by: "ann" } });
});

test("the same order again adds nothing; fewer are refused and nothing changes", async () => {
  const { plan } = await planned("again");
  await extend("again", 3);
  const planned3 = (plan.trials.length / 2) * 3;
  expect(await extend("again", 3)).toEqual({ status: "extended", planned: planned3, added: 0 });
  expect(await extend("again", 2)).toEqual({
    status: "refused",
    why: "has 3 repetitions planned; 2 would take planned trials away",
  });
  expect(await at.store.status("again")).toMatchObject({ planned: planned3 });
});

test("a load that was resolved once is the same in the added repetitions", async () => {
  await planned("capacity");
  await at.store.resolveLoads("capacity", "bare", 64, { fps: 40_000, beyond: [] });
  await extend("capacity", 3);
  const added = (await at.store.trials("capacity")).filter(({ repetition }) => repetition === 3);
  const loads = added
    .filter(({ scenario }) => scenario.ofCapacity !== null)
    .map(({ scenario }) => [scenario.platform, scenario.intendedFps]);
  expect(loads.sort()).toEqual([
    ["bare", 20_000],
    ["kvm-virtio", null],
  ]);
});

test("added repetitions of a load that is beyond the testbed have its verdict, too", async () => {
  await planned("beyond");
  const beyond = [{ ofCapacity: 0.5, verdict: "invalid", reason: "both numbers" }] as const;
  await at.store.resolveLoads("beyond", "bare", 64, { fps: 40_000, beyond });
  await extend("beyond", 3);
  const added = (await at.store.trials("beyond")).filter(({ repetition }) => repetition === 3);
  const ends = added
    .filter(({ scenario }) => scenario.ofCapacity !== null)
    .map(({ scenario, state, reason }) => [scenario.platform, state, reason]);
  expect(ends.sort()).toEqual([
    ["bare", "invalid", "both numbers"],
    ["kvm-virtio", "pending", null],
  ]);
});

test("a completed campaign is planned again, a running one keeps its state, a cancelled one is refused", async () => {
  await planned("ended");
  await at.store.setCampaignState("ended", "running");
  await at.store.setCampaignState("ended", "completed");
  await extend("ended", 3);
  expect(await at.store.status("ended")).toMatchObject({ state: "planned", endedAt: null });

  await planned("paused");
  await at.store.setCampaignState("paused", "paused", "paused by ann");
  await extend("paused", 3);
  expect(await at.store.status("paused")).toMatchObject({
    ...{ state: "paused", reason: "paused by ann" },
  });

  await planned("cut");
  await at.store.cancelCampaign("cut", "ann");
  expect(await extend("cut", 3)).toMatchObject({
    status: "refused",
    why: expect.stringContaining("was cancelled") as string,
  });
  await expect(extendable(at.store, "cut", 3)).rejects.toThrow("verdicts are never taken back");
});

test("the file it was planned from and one with the new number attach to it; others are refused, more repetitions with the command that adds them", async () => {
  const { files, plan } = await planned("file");
  await extend("file", 4);
  const again = await writePlan(at.store, files, "file", stored);
  expect(again.trials.length).toBe(plan.trials.length * 2);
  const four = await writePlan(at.store, filesOf("file", 4), "file", stored);
  expect(four.hash).toBe((await at.store.campaign("file"))?.planHash);
  await expect(writePlan(at.store, filesOf("file", 3), "file", stored)).rejects.toThrow(
    /repetitions: 4 in the store, 3 here\nGive this one another --id/,
  );
  await expect(writePlan(at.store, filesOf("file", 6), "file", stored)).rejects.toThrow(
    "`longhaul extend file --repetitions 6` adds the repetitions to it",
  );
  expect(await at.store.status("file")).toMatchObject({ planned: plan.trials.length * 2 });
});

test("a testbed that has lost a platform since cannot be extended on, and says so", async () => {
  const { files } = await planned("lost");
  const { testbed } = files;
  const content = { ...testbed, platforms: ["bare"] };
  await at.store.putTestbed({ name: testbed.name, kind: testbed.kind, content });
  const answer = await extend("lost", 3);
  expect(answer).toMatchObject({
    status: "refused",
    why: expect.stringContaining("has no platform kvm-virtio") as string,
  });
  await at.store.putTestbed({ name: testbed.name, kind: testbed.kind, content: testbed });
});

test("the command refuses an unknown campaign and fewer repetitions as a wrong use, with what would be right", async () => {
  await planned("known");
  await expect(extendable(at.store, "knwn", 3)).rejects.toThrow(UsageError);
  await expect(extendable(at.store, "known", 1)).rejects.toThrow(
    "--repetitions is 1; campaign known has 2 planned, and none is taken away: expected 2 or more",
  );
});

test("extensions and verdicts that come at the same time leave a whole ledger in every snapshot", async () => {
  const { plan } = await planned("race");
  const wanted = [3, 5, 4, 6];
  let over = false;
  const watching = (async () => {
    while (!over) {
      const status = await at.store.status("race");
      expect(status === null ? null : sumOf(status)).toBe(status?.planned);
    }
  })();
  const answers = await Promise.all([
    ...wanted.map((repetitions) => extend("race", repetitions)),
    ...plan.trials.map(({ id }) =>
      at.store.skipTrial({ trialId: id, by: "ann", why: "no" }, { evenRunning: true }),
    ),
  ]);
  over = true;
  await watching;
  expect(answers.slice(0, 4).some(({ status }) => status === "extended")).toBe(true);
  expect(await at.store.status("race")).toMatchObject({
    planned: (plan.trials.length / 2) * 6,
    verdicts: { skipped: plan.trials.length },
  });
});
