import { describe, expect, test } from "vitest";
import { follow, progressText } from "../../cli/follow.ts";
import { barText, progressScreen } from "../../cli/progress-screen.ts";
import { endCode } from "../../cli/run.ts";
import type { CampaignStatus } from "../../store/store.ts";
import { StoreUnavailable, type TrialRow } from "../../store/store.ts";
import { sampleRecord, sampleTrial } from "../report/sample-trials.ts";

const ended = sampleTrial({ results: { lossRatio: 0.25, rttMedianMs: 1 } });
const statusOf = (trials: readonly TrialRow[], change: Partial<CampaignStatus> = {}) => ({
  ...sampleRecord(trials).status,
  state: "running" as const,
  ...change,
});

/** Answers in turn; the last one again and again. */
function scripted(answers: readonly (readonly [CampaignStatus, readonly TrialRow[]] | Error)[]) {
  let turn = -1;
  const now = () => answers[Math.min(turn, answers.length - 1)];
  return {
    async status() {
      turn += 1;
      const answer = now();
      if (answer instanceof Error) throw answer;
      return answer?.[0] ?? null;
    },
    async endedTrials() {
      const answer = now();
      if (!answer || answer instanceof Error) throw new Error("no trials in this turn");
      return answer[1].filter(({ state }) => state !== "pending" && state !== "running");
    },
    pace: async () => [],
  };
}

function recorded() {
  const lines: string[] = [];
  const bars: string[] = [];
  const screen = {
    line: (text: string) => void lines.push(text),
    bar: (text: string) => void bars.push(text),
    close: () => undefined,
  };
  return { lines, bars, screen };
}

const options = (screen: ReturnType<typeof recorded>["screen"], leave = new AbortController()) => ({
  screen,
  leave: leave.signal,
  estimateSeconds: 90,
  intervalMs: 1,
  now: () => Date.parse("2030-01-01T00:01:00Z"),
});

describe("following a campaign", () => {
  const pending = sampleTrial({ repetition: 2, state: "pending" });
  const started = statusOf([pending, pending]);
  const half = statusOf([ended, pending]);
  const done = statusOf([ended], { state: "completed" });

  test("ends with the campaign and shows each ended trial once", async () => {
    const { lines, screen } = recorded();
    const store = scripted([
      [started, [pending, pending]],
      [half, [ended, pending]],
      [half, [ended, pending]],
      [done, [ended]],
    ]);
    expect(await follow(store, "demo", options(screen))).toEqual(done);
    expect(lines).toEqual([
      "valid    demo/b01/forwarding-bare-64B-5MbpsL2  completed: loss ratio 0.250, RTT 1.00 ms",
    ]);
  });

  test("asks the store for what is new, not for all rows", async () => {
    const { screen } = recorded();
    const asked: unknown[] = [];
    const store = scripted([
      [started, [pending, pending]],
      [half, [ended, pending]],
      [statusOf([ended, ended], { state: "completed" }), [ended, ended]],
    ]);
    const endedTrials = async (_: string, which: unknown) => {
      asked.push(which);
      return await store.endedTrials();
    };
    await follow({ ...store, endedTrials }, "demo", options(screen));
    const since = new Date(Date.parse(String(ended.endedAt)) - 60_000).toISOString();
    expect(asked).toEqual([{ newest: 5 }, { newest: 5 }, { since, newest: 100 }]);
  });

  test("is left by the person while the campaign goes on", async () => {
    const leave = new AbortController();
    const { screen, bars } = recorded();
    const store = scripted([[started, [pending, pending]]]);
    const left = follow(
      store,
      "demo",
      options(
        {
          ...screen,
          bar: (text) => {
            bars.push(text);
            leave.abort();
          },
        },
        leave,
      ),
    );
    expect(await left).toBeNull();
    expect(bars).toHaveLength(1);
  });

  test("waits for a store that is away, and says so once", async () => {
    const { lines, screen } = recorded();
    const away = new StoreUnavailable("PostgreSQL is gone");
    const store = scripted([[started, [pending, pending]], away, away, [done, [ended]]]);
    expect(await follow(store, "demo", options(screen))).toEqual(done);
    expect(lines.slice(0, 2)).toEqual([
      "PostgreSQL is gone; waiting for it",
      "PostgreSQL answers again",
    ]);
  });

  test("fails when another campaign took the testbed before it began", async () => {
    const { screen } = recorded();
    const lost = statusOf([pending], {
      state: "planned",
      reason: "the testbed lab is held by campaign/other",
    });
    await expect(follow(scripted([[lost, [pending]]]), "demo", options(screen))).rejects.toThrow(
      "campaign demo was not begun: the testbed lab is held by campaign/other",
    );
  });
});

describe("progress", () => {
  test("shows the plan's own estimate until there is a pace", () => {
    const status = statusOf([sampleTrial({ state: "pending" })], { startedAt: null });
    expect(progressText(status, 90, 0)).toBe("[░░░░░░░░░░░░░░░░░░░░░░░░] 0/1  1 min 30 s left");
  });

  test("shows rate, what is invalid, and the current trial with its step", () => {
    const status = statusOf(
      [
        ended,
        sampleTrial({ repetition: 2, state: "invalid" }),
        sampleTrial({ repetition: 3, state: "running" }),
      ],
      {
        current: {
          trial: "demo/b03/forwarding-bare-64B-5MbpsL2",
          attempt: 1,
          step: "measure",
          ...{ outcome: "running", detail: null, since: null },
        },
      },
    );
    expect(progressText(status, 10, Date.parse("2030-01-01T00:01:00Z"))).toBe(
      `${barText(2, 3)}  1 invalid, 0 skipped  2.0/min  10 s left  b03/forwarding-bare-64B-5MbpsL2: measure`,
    );
  });

  test("says why it waits", () => {
    const status = statusOf([ended], { state: "waiting", reason: "the store is full" });
    expect(progressText(status, null, 0)).toContain("waiting: the store is full");
  });
});

describe("the screen", () => {
  const output = (isTTY: boolean) => {
    const written: string[] = [];
    return { isTTY, columns: 20, written, write: (text: string) => written.push(text) };
  };

  test("writes neither bar characters over each other nor control codes where there is no terminal", () => {
    let now = 0;
    const plain = output(false);
    const screen = progressScreen(plain, () => now);
    screen.bar("1 of 9");
    screen.bar("2 of 9");
    screen.line("a trial");
    now = 20_000;
    screen.bar("3 of 9");
    screen.close();
    expect(plain.written).toEqual(["1 of 9\n", "a trial\n", "3 of 9\n"]);
  });

  test("redraws the bar in its line on a terminal, cut to its width, below the lines that stay", () => {
    const terminal = output(true);
    const screen = progressScreen(terminal);
    screen.bar("a bar that is longer than the line");
    screen.line("a trial");
    expect(terminal.written).toEqual([
      "\r\u001b[2Ka bar that is longe",
      "\r\u001b[2Ka trial\na bar that is longe",
    ]);
  });
});

test.each([
  [{ valid: 3, invalid: 0, skipped: 0 }, 0],
  [{ valid: 2, invalid: 1, skipped: 0 }, 3],
  [{ valid: 2, invalid: 0, skipped: 1 }, 3],
])("an ended campaign of three trials with %j answers %i", (verdicts, code) => {
  expect(endCode({ planned: 3, verdicts })).toBe(code);
});
