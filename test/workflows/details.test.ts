import { expect, test } from "vitest";
import {
  beingMeasured,
  beingRecovered,
  campaignDetails,
  endLines,
  ledgerSentence,
  migrationDetails,
  queueWords,
  sweepDetails,
} from "../../workflows/details.ts";
import type { TrialBrief } from "../../workflows/acts.ts";

test("a campaign's details are lists that say state, ledger, what is left and the last trials", () => {
  const view = {
    campaign: "demo",
    testbed: "lab",
    state: "paused",
    reason: "paused by ada",
    step: "between elements",
    sinceMs: 0,
    element: null,
  } as const;
  const ledger = {
    planned: 42,
    valid: 17,
    invalid: 1,
    skipped: 0,
    pending: 23,
    running: 1,
    outcomes: { completed: 15, "not-converged": 2 },
    lastTrials: ["forwarding bare, 64 B: valid (completed)"],
    etaSeconds: 512,
  };
  const words = campaignDetails(view, ledger, Date.UTC(2026, 10, 26, 17, 5, 9));
  expect(words).toContain("### demo: paused\n\n_paused by ada_");
  expect(words).toContain("**18 of 42 trials done, about 9 min left**");
  expect(words).toContain("- valid: **17**\n- invalid: **1**");
  expect(words).toContain("- not-converged: **2**");
  expect(words).not.toContain("|");
});

test("a campaign's details say when the ledger was read, and where a running sweep shows newer figures", () => {
  const ledger = {
    ...{ planned: 9, valid: 1, invalid: 0, skipped: 0, pending: 7, running: 1 },
    ...{ outcomes: {}, lastTrials: [], etaSeconds: null },
  };
  const view = {
    ...({ campaign: "demo", testbed: "lab", state: "running", reason: null } as const),
    ...{ sinceMs: 0, step: "measuring", element: "demo/b01/sweep" },
  };
  const words = campaignDetails(view, ledger, Date.UTC(2026, 10, 26, 17, 5, 9));
  expect(words).toContain("_As read at 2026-11-26 17:05:09 UTC, between elements;");
  expect(words).toContain("`demo/b01/sweep` shows each of its trials");
});

test("a sweep's details say of every load how its trial ended, or that it has no verdict yet", () => {
  const brief = (label: string) => ({ label }) as TrialBrief;
  expect(
    sweepDetails(
      [brief("64 B, 100 Mbit/s L2"), brief("64 B, 200 Mbit/s L2"), brief("64 B, 300 Mbit/s L2")],
      [
        { verdict: "valid", outcome: "completed", attempts: 1 },
        { verdict: "invalid", reason: "the load missed its rate", attempts: 3 },
      ],
      beingMeasured,
    ),
  ).toBe(
    "**2 of 3 loads done**\n\n- 64 B, 100 Mbit/s L2: **valid**, completed, 1 attempt\n" +
      "- 64 B, 200 Mbit/s L2: **invalid** after 3 attempts: the load missed its rate\n" +
      "- 64 B, 300 Mbit/s L2: **being measured**",
  );
});

test("a trial that hung says what was seen, that it is recovered and where, and keeps the words with its verdict", () => {
  const brief = { label: "64 B, idle" } as TrialBrief;
  const why = "the outcome stalled: nothing moved for 5.2 s (window 5 s)";
  expect(migrationDetails(brief, beingRecovered(why, "c/b01/t/recovery-1"))).toBe(
    "- 64 B, idle: the outcome stalled: nothing moved for 5.2 s (window 5 s). **Being recovered**: `c/b01/t/recovery-1` says which rung is tried",
  );
  const words = "nothing moved for 5.2 s (window 5 s)";
  expect(
    migrationDetails(brief, { verdict: "valid", outcome: "stalled", words, attempts: 1 }),
  ).toBe("- 64 B, idle: **valid**, stalled, 1 attempt: nothing moved for 5.2 s (window 5 s)");
});

test("an ended workflow's result says in words what came of every trial", () => {
  const brief = (label: string) => ({ label }) as TrialBrief;
  expect(
    endLines(
      [brief("64 B, idle"), brief("64 B, 300 Mbit/s L2")],
      [{ verdict: "valid", outcome: "completed", attempts: 1 }],
    ),
  ).toEqual(["64 B, idle: valid, completed, 1 attempt", "64 B, 300 Mbit/s L2: no verdict yet"]);
});

test("the ledger is a sum, with what is open only while something is", () => {
  const ended = {
    ...{ planned: 42, valid: 40, invalid: 1, skipped: 1, pending: 0, running: 0 },
    ...{ outcomes: {}, lastTrials: [], etaSeconds: null },
  };
  expect(ledgerSentence(ended)).toBe("42 planned = 40 valid + 1 invalid + 1 skipped");
  expect(ledgerSentence({ ...ended, valid: 38, pending: 1, running: 1 })).toBe(
    "42 planned = 38 valid + 1 invalid + 1 skipped + 1 pending + 1 running",
  );
});

test("a place in the queue is said with who holds the testbed", () => {
  expect(queueWords(1, "lab", "campaign/demo-1")).toBe(
    "1st in the queue of the testbed lab, which demo-1 holds",
  );
  const places = [2, 3, 4, 11, 12, 13, 21, 22, 112].map((place) => queueWords(place, "x", "y"));
  expect(places.map((words) => words.split(" ")[0])).toEqual([
    "2nd",
    "3rd",
    "4th",
    "11th",
    "12th",
    "13th",
    "21st",
    "22nd",
    "112th",
  ]);
});
