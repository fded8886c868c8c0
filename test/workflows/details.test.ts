import { expect, test } from "vitest";
import { campaignDetails, sweepDetails } from "../../workflows/details.ts";
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
  const words = campaignDetails(view, ledger);
  expect(words).toContain("### demo: paused\n\n_paused by ada_");
  expect(words).toContain("**18 of 42 trials done, about 9 min left**");
  expect(words).toContain("- valid: **17**\n- invalid: **1**");
  expect(words).toContain("- not-converged: **2**");
  expect(words).not.toContain("|");
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
    ),
  ).toBe(
    "- 64 B, 100 Mbit/s L2: **valid**, completed, 1 attempt\n" +
      "- 64 B, 200 Mbit/s L2: **invalid** after 3 attempts: the load missed its rate\n" +
      "- 64 B, 300 Mbit/s L2: no verdict yet",
  );
});
