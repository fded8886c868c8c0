import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { deleteCampaign } from "../../cli/delete.ts";
import { noteDisturbance } from "../../cli/disturbed.ts";
import { busy, holderOf } from "../../cli/launch.ts";
import { reportCampaign } from "../../cli/report.ts";
import { readRunFiles } from "../../cli/run-files.ts";
import { campaignAnswer } from "../../cli/status.ts";
import { trialText } from "../../cli/trial-text.ts";
import { trialDetail } from "../../cli/trial.ts";
import { trialsOf, trialsText } from "../../cli/trials.ts";
import { withStore } from "../store/postgres-server.ts";
import { attemptOf, planted } from "../store/sample-plan.ts";

const db = withStore();
const noLink = () => null;
/** The testbed is shared, and its token only rises. */
let token = 0;

/** A campaign of four trials: one valid, one invalid, one running, one pending. */
async function underWay(id: string) {
  const plan = await planted(db.store, id, { trialCount: 4 });
  await db.store.setCampaignState(id, "running");
  const judged = [
    {
      verdict: { verdict: "valid", outcome: "completed" },
      results: { offeredFps: 1000, forwardedFps: 900, lossRatio: 0.1, rttMedianMs: 0.5 },
      ledger: [
        { place: "sent", frames: 1000 },
        { place: "received", frames: 900 },
        { place: "tap-in-dropped", frames: 100 },
        { place: "unexplained", frames: 0 },
      ],
    },
    {
      verdict: { verdict: "invalid", reason: "offered load missed", cut: false },
      results: {},
      ledger: [],
    },
  ] as const;
  for (const [position, { verdict, results, ledger }] of judged.entries()) {
    const ref = attemptOf(plan, position, 1, (token += 1));
    await db.store.openAttempt(ref);
    await db.store.putStep(ref, {
      attempt: 1,
      name: "measure",
      retry: 1,
      outcome: "completed",
      detail: null,
      parts: { load: 3000 },
      startedAt: "2030-01-01T00:00:00.000Z",
      endedAt: "2030-01-01T00:00:03.500Z",
    });
    await db.store.putProvenance(ref, { kernel: "6.1.0", nic: { model: "virtio" } });
    await db.store.judge(ref, { verdict, results, ledger, doubts: ["a doubt"], final: true });
  }
  await db.store.openAttempt(attemptOf(plan, 2, 1, (token += 1)));
  return plan;
}

describe("commands that read a real store", () => {
  test("status: planned is the sum of verdicts, pending and running, and names the current trial", async () => {
    await underWay("sum");
    const { json } = await campaignAnswer(db.store, "sum", noLink);
    expect(json).toMatchObject({
      state: "running",
      planned: 4,
      verdicts: { valid: 1, invalid: 1, skipped: 0 },
      pending: 1,
      running: 1,
      outcomes: { completed: 1 },
      attempts: 3,
      current: { trial: "sum/b2/forwarding-bare-64B-load0", attempt: 1 },
    });
  });

  test("trials: one line each, with what was measured or why not", async () => {
    await underWay("lines");
    const lines = trialsText(await trialsOf(db.store, "lines")).split("\n");
    expect(lines.map((line) => line.split(" ")[0])).toEqual([
      "valid",
      "invalid",
      "running",
      "pending",
    ]);
    expect(lines[0]).toContain("loss ratio 0.100");
    expect(lines[1]).toContain("offered load missed");
  });

  test("trials of an unknown campaign is wrong use", async () => {
    await expect(trialsOf(db.store, "nobody")).rejects.toThrow('campaign "nobody" is unknown');
  });

  test("trial: has its steps, attempts, ledger and provenance", async () => {
    const plan = await underWay("detail");
    const detail = await trialDetail(db.store, String(plan.trials[0]?.id));
    expect(detail).toMatchObject({
      verdict: "valid",
      steps: [{ name: "measure", outcome: "completed" }],
      attemptLog: [{ attempt: 1, verdict: "valid" }],
      evidence: [],
      provenance: { kernel: "6.1.0" },
      doubts: ["a doubt"],
    });
    expect(detail.ledger.find(({ place }) => place === "tap-in-dropped")?.frames).toBe(100);
    const text = trialText(detail);
    for (const part of [
      "results",
      "ledger (frames)",
      "measure",
      "3500 ms",
      "tap-in-dropped",
      "6.1.0",
    ])
      expect(text).toContain(part);
  });

  test("trial of a known campaign that has no such trial says where the list is", async () => {
    await underWay("lost");
    await expect(trialDetail(db.store, "lost/b9/nothing")).rejects.toThrow(
      'trial "lost/b9/nothing" is unknown; `longhaul trials lost` lists those of lost',
    );
  });

  test("report: is written from stored rows while the campaign still runs", async () => {
    await underWay("paper");
    const folder = await mkdtemp(join(tmpdir(), "longhaul-report-"));
    try {
      const page = await readFile(await reportCampaign(db.store, "paper", folder), "utf8");
      const words = page
        .replaceAll(/<svg.*?<\/svg>/gs, "")
        .replaceAll(/<[^>]*>/g, "")
        .replaceAll(/\s+/g, " ");
      expect(words).toContain(
        "4 planned = 1 valid + 1 invalid + 0 skipped + 1 running + 1 pending",
      );
      expect(words).toContain("offered load missed");
      expect(words).toContain("n = 1 per point: one measurement alone gives no interval");
      const csv = await readFile(join(folder, "ledger.csv"), "utf8");
      expect(csv).toContain("paper/b1/forwarding-bare-64B-load0,tap-in-dropped,100");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("a busy testbed is refused with its holder's name, whatever a second lab file is called", async () => {
    await underWay("holder");
    const root = join(import.meta.dirname, "..", "..");
    const files = readRunFiles(
      join(root, "campaigns", "smoke.yaml"),
      join(root, "testbeds", "lab.yaml"),
      null,
    );
    const others = (await db.store.allStatus()).filter(({ campaign }) => campaign !== "holder");
    for (const { campaign } of others) await db.store.setCampaignState(campaign, "completed");
    expect(await holderOf(db.store, files, null)).toMatchObject({ campaign: "holder" });
    expect(busy("lab", "holder").message).toMatch(
      /is busy: campaign holder holds it; `longhaul status holder`.* with --queue/,
    );
    expect(await holderOf(db.store, files, "holder")).toBeNull();
    await db.store.setCampaignState("holder", "queued");
    expect(await holderOf(db.store, files, null)).toBeNull();
    await db.store.setCampaignState("holder", "completed");
    expect(await holderOf(db.store, files, null)).toBeNull();
  });

  test("delete: removes an ended campaign with its trials", async () => {
    await underWay("old");
    await db.store.cancelCampaign("old", "a test");
    const whenTold = { agrees: () => Promise.resolve(true), report: "/no/such/report" };
    expect(await deleteCampaign(db.store, "old", whenTold)).toBe(true);
    expect(await db.store.status("old")).toBeNull();
  });
});

test("what a person does to the lab stands in the record of the trial that it disturbs, once", async () => {
  const plan = await underWay("disturbed");
  const cut = {
    ...{ id: "link-cut-1", fault: "link-cut", host: null, detail: "the migration link is down" },
    ...{ at: "2030-01-01T00:00:01.000Z", untilAt: "2030-01-01T00:00:03.000Z" },
  };
  await noteDisturbance(db.store, cut);
  await noteDisturbance(db.store, cut);
  const events = await db.store.events({ campaign: "disturbed" });
  expect(events).toMatchObject([
    {
      kind: "disturbance",
      trial: plan.trials[2]?.id,
      attempt: 1,
      at: cut.at,
      content: { fault: "link-cut", detail: cut.detail, untilAt: cut.untilAt },
    },
  ]);
});
