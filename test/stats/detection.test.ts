import { describe, expect, test } from "vitest";
import type { Measurement } from "../../model/measurement.ts";
import { hangRule } from "../../model/hang.ts";
import { detectionOf, longestSilence } from "../../stats/detection.ts";

const campaign = {
  guest: { image: "router", memoryMib: 32, vcpus: 1, routing: "kernel" },
  phases: { settleMs: 0, learnMs: 0, trialMs: 60_000, drainMs: 2000, restMs: 0 },
  ...{ migrationMarginMs: 5000, migrationDeadlineMs: 120_000 },
};
const rule = hangRule(campaign);
const seconds = (...stamps: number[]) => stamps.map((one) => one * 1e6);
const rtt = (rttMs: readonly (number | null)[]) => ({
  ...{ host: "C", intervalMs: 1000, rttMs },
  sentUs: seconds(...rttMs.keys()),
});
const of = (more: object) => detectionOf(more as Measurement, campaign);

describe("how soon a trial's end was found out", () => {
  test("a router's silence begins with its last answered probe before the longest gap", () => {
    expect(longestSilence(rtt([1, null, 1, 1, null, null, null]))).toBe(3e6);
    expect(longestSilence(rtt([1, 1, null, null, 1, null]))).toBe(1e6);
    expect(longestSilence(rtt([1, 1]))).toBeNull();
    expect(longestSilence(rtt([null, null]))).toBeNull();
  });

  const silent = {
    kind: "forwarding",
    rtt: rtt([1, null, null, null, 1, 1, null, null]),
    sink: { host: "B", lastUs: 3e6 },
    clocks: [
      { host: "B", offsetUs: 20e6, uncertaintyUs: 0 },
      { host: "C", offsetUs: 10e6, uncertaintyUs: 0 },
    ],
  };

  test("a router that is silent at the end is timed from the last that came through it, not from a longer gap before", () => {
    const router = { atUs: 18e6, forwarding: "silent" };
    // Its last answer on the controller's clock: 15 s.
    expect(of({ ...silent, router }).timeMs).toBe(3000);
    const lives = { ...silent, rtt: rtt([1, 1, 1]), router: { ...router, atUs: 25e6 } };
    expect(of(lives).timeMs).toBe(2000);
  });

  test("a router that forwards again, as one that was rebooted, is timed from its longest silence", () => {
    expect(of({ ...silent, router: { atUs: 18e6, forwarding: "answers" } }).timeMs).toBe(8000);
  });

  test("the bound of a silent router is the campaign's: the longest load, phase d, and all questions", () => {
    const router = { atUs: 18e6, forwarding: "silent" };
    expect(of({ ...silent, router }).boundMs).toBe(60_000 + 2000 + 40_000);
    const migration = { status: "completed", progress: [], endUs: 0 };
    const migrating = { ...silent, kind: "migration", watch: null, migration, router };
    expect(of(migrating).boundMs).toBe(10_000 + 120_000 + 30_000 + 2000 + 40_000);
    expect(of({ ...silent, router: {} })).toEqual({ timeMs: null, boundMs: null });
    expect(of({ ...silent, router: null })).toEqual({ timeMs: null, boundMs: null });
  });

  test("a hang has the time and bound of the judge that found it", () => {
    const watch = { verdict: "stalled", detectionTimeMs: 5200, boundMs: 6000 };
    expect(of({ kind: "migration", watch })).toEqual({ timeMs: 5200, boundMs: 6000 });
  });

  test("a platform's own word is timed from the last progress that it showed; a completed one was never late", () => {
    const watch = { verdict: "progressing", detectionTimeMs: null, boundMs: 6000 };
    const migration = { status: "failed", progress: [{ atUs: 2e6 }], endUs: 2.1e6 };
    expect(of({ kind: "migration", watch, migration })).toEqual({
      timeMs: 100,
      boundMs: rule.apiBoundMs,
    });
    const completed = { ...migration, status: "completed" };
    expect(of({ kind: "migration", watch, migration: completed })).toEqual({
      ...{ timeMs: null, boundMs: 6000 },
    });
  });
});
