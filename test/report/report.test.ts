import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeReport } from "../../report/report.ts";
import {
  forwardingTrials,
  migrationTrials,
  sampleMigration,
  sampleRecord,
  sampleTrial,
} from "./sample-trials.ts";
import { wellFormed } from "./well-formed.ts";

const invalid = sampleTrial({
  repetition: 9,
  state: "invalid",
  reason: "ledger out of balance: <12> frames",
  doubts: ["offered load 3 % below intended"],
});

describe("a report", () => {
  let folder = "";
  let page = "";
  /** What a reader sees, drawings left out: they would fill the screen of a failed test. */
  const words = () =>
    page
      .replaceAll(/<svg.*?<\/svg>/gs, "")
      .replaceAll(/<[^>]*>/g, "")
      .replaceAll(/\s+/g, " ");
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "longhaul-report-"));
    const trials = [...forwardingTrials, ...migrationTrials, invalid];
    const record = { ...sampleRecord(trials), exampleMigration: sampleMigration() };
    page = await readFile(await writeReport(record, folder, "2030-01-02T00:00:00Z"), "utf8");
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("loads nothing from anywhere: no script, no link to a style, no address but of files beside it", () => {
    expect(/<script|<link|@import|url\((?!#)/.exec(page)).toBeNull();
    const addresses = [...page.matchAll(/(?:href|src)="([^"#][^"]*)"/g)].map(([, to]) => to);
    expect(addresses.filter((to) => /^[a-z]+:|^\//.test(to ?? ""))).toEqual([]);
  });

  test("names only files that it has written", async () => {
    const written = await readdir(folder, { recursive: true });
    const named = [...page.matchAll(/<a href="([^"#]+)"/g)].map(([, file]) => file);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((file) => !written.includes(file ?? ""))).toEqual([]);
  });

  test("prints the sum of the ledger", () => {
    expect(words()).toContain("16 planned = 15 valid + 1 invalid + 0 skipped");
  });

  test("lists invalid trials with their reason and doubts, escaped", () => {
    expect(words()).toContain("ledger out of balance: &lt;12&gt; frames");
    expect(words()).toContain("offered load 3 % below intended");
  });

  test("lists omissions and every phase that is shorter than RFC 2544 asks", () => {
    expect(words()).toContain("over &lt;line&gt; rate");
    expect(words()).toContain("b) wait after the learning frames 2 0 c) the trial itself 60 3 ");
    expect(words()).not.toContain("d) residual frames");
  });

  test("has a caption with n for every figure", () => {
    const captions = [...page.matchAll(/<figcaption>(.*?)<\/figcaption>/gs)].map(
      ([, text]) => text,
    );
    expect(captions.length).toBe(10);
    expect(captions.filter((text) => !/n = \d|One point for each of/.test(text ?? ""))).toEqual([]);
  });

  test("follows the reader's theme: no drawing keeps a colour of the white page", () => {
    const drawings = [...page.matchAll(/<svg.*?<\/svg>/gs)].map(([svg]) => svg);
    expect(drawings.length).toBe(10);
    expect(drawings.filter((svg) => /#[0-9a-f]{6}/.test(svg))).toEqual([]);
  });

  test("keeps the clip paths of its drawings apart", () => {
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("writes every figure as an SVG file of its own, well-formed", async () => {
    const names = await readdir(join(folder, "figures"));
    expect(names).toContain("forwarded-64B.svg");
    expect(names).toContain("migration-series.svg");
    for (const name of names)
      expect(wellFormed(await readFile(join(folder, "figures", name), "utf8"))).toBeNull();
  });

  test("writes trials as JSON with the keys of `trials --json`", async () => {
    const rows = JSON.parse(await readFile(join(folder, "trials.json"), "utf8")) as object[];
    expect(rows).toHaveLength(16);
    expect(Object.keys(rows[0] ?? {})).toEqual(
      expect.arrayContaining(["id", "kind", "scenario", "verdict", "results", "attempts"]),
    );
  });
});

test("a report of a campaign that has measured nothing says so instead of drawing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "longhaul-report-"));
  try {
    const pending = [
      sampleTrial({ state: "pending" }),
      sampleTrial({ kind: "migration", platform: "kvm-virtio", load: "idle", state: "pending" }),
    ];
    const record = { ...sampleRecord(pending), ledgers: new Map(), provenance: new Map() };
    const page = await readFile(await writeReport(record, folder, "now"), "utf8");
    expect(page).not.toContain("<svg");
    expect(page).toContain(
      "Nothing to draw: no completed forwarding trial with 64-byte frames yet.",
    );
    expect(page).toContain("Nothing to draw: no migration has completed");
    expect(await readdir(join(folder, "figures"))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
