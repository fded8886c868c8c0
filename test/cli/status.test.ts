import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { campaignJson, unreadableCampaign } from "../../cli/campaign-json.ts";
import { campaignText } from "../../cli/campaign-text.ts";
import { deleteCampaign } from "../../cli/delete.ts";
import { healthView } from "../../cli/health-text.ts";
import { recoveryView } from "../../cli/recovery-text.ts";
import { campaignAnswer, everythingAnswer, shownText, type StatusStore } from "../../cli/status.ts";
import { campaignLink, linkLines } from "../../cli/ui-link.ts";
import type { QuarantineRow, RecoveryRow } from "../../store/recoveries.ts";
import type { CampaignStatus } from "../../store/store.ts";
import { sampleRecord, sampleTrial } from "../report/sample-trials.ts";

const trials = [sampleTrial({}), sampleTrial({ repetition: 2, state: "pending" })];
const running: CampaignStatus = { ...sampleRecord(trials).status, state: "running", endedAt: null };

const store = (statuses: readonly CampaignStatus[]): StatusStore => ({
  status: async (id) => statuses.find(({ campaign }) => campaign === id) ?? null,
  allStatus: async () => statuses,
  pace: async () => [{ kind: "forwarding", open: 1, medianSeconds: 10 }],
  testbeds: async () => [
    { name: "lab", kind: "lab", token: 0 },
    { name: "bench-2", kind: "physical", token: 0 },
  ],
  recoveries: async () => [],
  quarantines: async () => [],
  lastHealthTrial: async () => null,
});
const noLink = () => null;
const services = {
  ready: false,
  supervisor: { state: "stopped", pid: null },
  ...Object.fromEntries(
    ["temporal", "postgres", "worker"].map((name) => [name, { state: "stopped", address: null }]),
  ),
} as unknown as Parameters<typeof everythingAnswer>[1];

/** As the documentation promises them to scripts. */
const promised = [
  "campaign",
  "state",
  "planned",
  "verdicts",
  "pending",
  "running",
  "outcomes",
  "attempts",
  "recoveries",
  "etaSeconds",
  "workflowId",
  "temporalUi",
  "startedAt",
  "endedAt",
];

describe("status ID", () => {
  test("has every key that scripts rely on", async () => {
    const { json } = await campaignAnswer(store([running]), "demo", noLink);
    expect(Object.keys(json as object)).toEqual(expect.arrayContaining(promised));
  });

  test("estimates what is left from the trials behind it: one pending at 10 s each", async () => {
    const { json } = await campaignAnswer(store([running]), "demo", noLink);
    expect(json).toMatchObject({ etaSeconds: 10, verdicts: { valid: 1 }, pending: 1 });
  });

  test("of an ended campaign estimates nothing", () => {
    expect(campaignJson({ ...running, state: "completed" }, 0).etaSeconds).toBeNull();
  });

  test("of an unknown id names it and lists the known ones", async () => {
    await expect(campaignAnswer(store([running]), "dmo", noLink)).rejects.toThrow(
      'campaign "dmo" is unknown; known ones: demo',
    );
  });

  test("with PostgreSQL out of reach has the same keys, numbers null, and says why", () => {
    const json = unreadableCampaign("demo", "campaign/demo", "PostgreSQL does not answer");
    expect(Object.keys(json)).toEqual(expect.arrayContaining(promised));
    expect(json).toMatchObject({ planned: null, etaSeconds: null, verdicts: { valid: null } });
    expect(campaignText(json, null)).toBe("demo: PostgreSQL does not answer");
  });

  test("in words gives the ledger as a sum", () => {
    expect(campaignText(campaignJson(running, 10), null)).toContain(
      "planned 2 = 1 valid + 0 invalid + 0 skipped + 1 pending + 0 running",
    );
  });
});

describe("status", () => {
  test("says of every testbed whether and by whom it is held", async () => {
    const { json } = await everythingAnswer(store([running]), services, noLink);
    expect(json).toMatchObject({
      testbeds: [
        { name: "lab", state: "busy", heldBy: "demo" },
        { name: "bench-2", state: "free", heldBy: null },
      ],
      campaigns: [{ campaign: "demo" }],
    });
  });

  test("of an ended campaign's testbed says that it is free", async () => {
    const { json } = await everythingAnswer(
      store([{ ...running, state: "completed" }]),
      services,
      noLink,
    );
    expect(json).toMatchObject({ testbeds: [{ state: "free" }, { state: "free" }] });
  });
});

describe("what is waited for", () => {
  const current = {
    ...{ trial: "demo/b01/x", attempt: 2, step: "prepare" },
    ...{ detail: "TestbedAway: no lab is up\n    at bench", since: "2030-01-01T00:00:00.000Z" },
  };

  test("is the reason of a campaign that waits for a person or for its turn", () => {
    const waiting: CampaignStatus = { ...running, state: "waiting", reason: "in quarantine: R2" };
    expect(campaignJson(waiting, 0).waitsFor).toBe("in quarantine: R2");
    const text = campaignText(campaignJson(waiting, 0), null);
    expect(text.match(/in quarantine: R2/g)).toHaveLength(1);
  });

  test("is what the failed step of the running trial said, until another step runs", () => {
    const failed: CampaignStatus = { ...running, current: { ...current, outcome: "failed" } };
    expect(campaignJson(failed, 0).waitsFor).toBe(
      "prepare of demo/b01/x: TestbedAway: no lab is up",
    );
    expect(campaignText(campaignJson(failed, 0), null)).toContain("  waits for prepare of");
    const goesOn: CampaignStatus = { ...running, current: { ...current, outcome: "running" } };
    expect(campaignJson(goesOn, 0).waitsFor).toBeNull();
  });

  test("of a testbed names its queue in turn", async () => {
    const queued = (campaign: string, place: number): CampaignStatus => ({
      ...running,
      ...{ campaign, state: "queued", startedAt: null, testbed: "lab" },
      queue: { place, heldBy: "demo", since: "2030-01-01T00:00:00.000Z" },
    });
    const all = store([running, queued("third", 2), queued("second", 1)]);
    const { json, text } = await everythingAnswer(all, services, noLink);
    expect(json).toMatchObject({
      testbeds: [{ state: "busy", heldBy: "demo", queue: ["second", "third"] }, { queue: [] }],
      campaigns: [{}, { queue: { place: 2, heldBy: "demo" } }, {}],
    });
    expect(text).toContain("lab: busy, held by demo; in its queue: second, third");
  });
});

describe("failures", () => {
  test("stand beside the valid ones with their interval, Wilson's", () => {
    const failing: CampaignStatus = {
      ...running,
      ...{ planned: 20, verdicts: { valid: 17, invalid: 0, skipped: 0 } },
      outcomes: { completed: 15, stalled: 2 },
    };
    const json = campaignJson(failing, 0);
    expect(json.failures).toMatchObject({ count: 2, valid: 17 });
    expect(json.failures.low95).toBeCloseTo(0.0329, 3);
    expect(json.failures.high95).toBeCloseTo(0.3434, 3);
    expect(campaignText(json, null)).toContain(
      "15 completed, 2 stalled; 2 of 17 valid ones failed [0.033, 0.343]",
    );
  });

  test("of no valid trial have no share", () => {
    const none: CampaignStatus = {
      ...running,
      ...{ verdicts: { valid: 0, invalid: 0, skipped: 0 }, outcomes: {} },
    };
    expect(campaignJson(none, 0).failures).toEqual({
      ...{ count: 0, valid: 0, ratio: null, low95: null, high95: null },
    });
    expect(campaignText(campaignJson(none, 0), null)).not.toContain("failed");
  });
});

describe("health", () => {
  const run: RecoveryRow = {
    ...{ id: "demo/b01/x/recovery-1", testbed: "lab", campaign: "demo", trial: "demo/b01/x" },
    ...{ attempt: 1, why: "the outcome stalled", step: null, stepHosts: [], stepSince: null },
    ...{ outcome: "recovered", rung: "recreate" },
    ...{ startedAt: "2030-01-01T00:00:00.000Z", endedAt: "2030-01-01T00:00:09.000Z" },
  };
  const under: RecoveryRow = { ...run, step: "recreate", outcome: null, rung: null, endedAt: null };
  const away: QuarantineRow = {
    ...{ host: "R2", reason: "dead", isolated: true, recovery: run.id, since: run.startedAt },
  };
  const passed = { status: "verified", words: "2000 of 2000 frames", at: run.startedAt };
  const stateOf = (...given: Parameters<typeof recoveryView>) =>
    healthView(recoveryView(...given), passed).state;

  test("is good until something calls for a recovery, and again when that has proven it", () => {
    expect(stateOf([], [])).toBe("good");
    expect(stateOf([run], [])).toBe("good");
    expect(healthView(recoveryView([run], []), passed).words).toBe(
      "proven by a health trial after the last recovery (2000 of 2000 frames)",
    );
  });

  test("says the rung now tried, the hosts that are missing, and a doubt that is left", () => {
    expect(healthView(recoveryView([run, under], []), null)).toMatchObject({
      ...{ state: "recovering", words: "recreate, called for by the outcome stalled" },
    });
    expect(stateOf([run], [away])).toBe("degraded");
    expect(stateOf([{ ...run, outcome: "cancelled" }], [])).toBe("in-doubt");
  });

  test("stands in status as JSON and in words", async () => {
    const sick = { ...store([running]), recoveries: async () => [under] };
    const { json, text } = await campaignAnswer(sick, "demo", noLink);
    expect(json).toMatchObject({
      health: { state: "recovering" },
      recovery: { now: { id: run.id } },
    });
    expect(text).toContain("  health    recovering: recreate");
  });
});

describe("the address in Temporal's UI", () => {
  test("has the campaign's filter set", () => {
    const link = campaignLink("http://127.0.0.1:8233", "longhaul", "demo");
    expect(new URL(link).pathname).toBe("/namespaces/longhaul/workflows");
    expect(new URL(link).searchParams.get("query")).toBe('LhCampaign="demo"');
  });

  test("comes with the line that opens it where the machine is reached over SSH", () => {
    const link = "http://127.0.0.1:8233/x";
    expect(linkLines(link, {})).toEqual([`Temporal UI: ${link}`]);
    const [, tunnel] = linkLines(link, { SSH_CONNECTION: "10.0.0.9 5000 10.0.0.1 22" });
    expect(tunnel).toContain("-L 8233:127.0.0.1:8233");
  });

  test("stands in `status` with the command that opens it, once for all campaigns", async () => {
    const env = { SSH_CONNECTION: "10.0.0.9 5000 10.0.0.1 22" };
    const linkOf = (id: string) => campaignLink("http://127.0.0.1:8233", "default", id);
    const two = store([running, { ...running, campaign: "second" }]);
    for (const answer of [
      await campaignAnswer(two, "demo", linkOf),
      await everythingAnswer(two, services, linkOf),
    ]) {
      expect(shownText(answer, env).match(/ssh -L 8233:127\.0\.0\.1:8233/g)).toHaveLength(1);
      expect(shownText(answer, {})).toBe(answer.text);
    }
  });

  test("of a server elsewhere needs no tunnel", () => {
    const env = { SSH_CONNECTION: "10.0.0.9 5000 10.0.0.1 22" };
    expect(linkLines("https://ui.example.org/x", env)).toHaveLength(1);
  });
});

describe("delete", () => {
  const deleting = (status: CampaignStatus) => {
    const deleted: string[] = [];
    return {
      deleted,
      store: { ...store([status]), deleteCampaign: async (id: string) => void deleted.push(id) },
    };
  };

  test("asks first, naming what would be lost", async () => {
    const { store: scripted, deleted } = deleting({ ...running, state: "completed" });
    let asked = "";
    const agrees = async (question: string) => {
      asked = question;
      return false;
    };
    expect(await deleteCampaign(scripted, "demo", { agrees, report: "/s/reports/demo" })).toBe(
      false,
    );
    expect(asked).toContain("Delete campaign demo (planned 2 = 1 valid");
    expect(asked).toContain("and the report in /s/reports/demo?");
    expect(deleted).toEqual([]);
  });

  test("removes the campaign's report, too, and no other", async () => {
    const reports = mkdtempSync(join(tmpdir(), "longhaul-reports-"));
    onTestFinished(() => rmSync(reports, { recursive: true }));
    for (const id of ["demo", "other"]) {
      mkdirSync(join(reports, id));
      writeFileSync(join(reports, id, "index.html"), "figures");
    }
    const { store: scripted, deleted } = deleting({ ...running, state: "completed" });
    const report = join(reports, "demo");
    expect(await deleteCampaign(scripted, "demo", { agrees: async () => true, report })).toBe(true);
    expect(deleted).toEqual(["demo"]);
    expect(readdirSync(reports)).toEqual(["other"]);
  });

  test("refuses a campaign that still measures", async () => {
    const { store: scripted, deleted } = deleting(running);
    const whenAsked = { agrees: async () => true, report: "/s/reports/demo" };
    await expect(deleteCampaign(scripted, "demo", whenAsked)).rejects.toThrow(
      "campaign demo is running; `longhaul cancel demo` ends it first",
    );
    expect(deleted).toEqual([]);
  });
});
