import { describe, expect, test } from "vitest";
import { campaignJson, unreadableCampaign } from "../../cli/campaign-json.ts";
import { campaignText } from "../../cli/campaign-text.ts";
import { deleteCampaign } from "../../cli/delete.ts";
import { campaignAnswer, everythingAnswer, type StatusStore } from "../../cli/status.ts";
import { campaignLink, linkLines } from "../../cli/ui-link.ts";
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
    const answer = await deleteCampaign(scripted, "demo", async (question) => {
      asked = question;
      return false;
    });
    expect(answer).toBe(false);
    expect(asked).toContain("Delete campaign demo (planned 2 = 1 valid");
    expect(deleted).toEqual([]);
  });

  test("refuses a campaign that still measures", async () => {
    const { store: scripted, deleted } = deleting(running);
    await expect(deleteCampaign(scripted, "demo", async () => true)).rejects.toThrow(
      "campaign demo is running; `longhaul cancel demo` ends it first",
    );
    expect(deleted).toEqual([]);
  });
});
