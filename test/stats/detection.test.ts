import { describe, expect, test } from "vitest";
import type { Measurement } from "../../model/measurement.ts";
import { hangRule } from "../../model/hang.ts";
import { detectionOf, longestSilence } from "../../stats/detection.ts";

const rule = hangRule({ guest: { image: "router", memoryMib: 32, vcpus: 1, routing: "kernel" } });
const seconds = (...stamps: number[]) => stamps.map((one) => one * 1e6);
const rtt = (rttMs: readonly (number | null)[]) => ({
  ...{ host: "C", intervalMs: 1000, rttMs },
  sentUs: seconds(...rttMs.keys()),
});
const of = (more: object) => detectionOf(more as Measurement, rule);

describe("how soon a trial's end was found out", () => {
  test("a router's silence begins with its last answered probe before the longest gap", () => {
    expect(longestSilence(rtt([1, null, 1, 1, null, null, null]))).toBe(3e6);
    expect(longestSilence(rtt([1, 1, null, null, 1, null]))).toBe(1e6);
    expect(longestSilence(rtt([1, 1]))).toBeNull();
    expect(longestSilence(rtt([null, null]))).toBeNull();
  });

  test("a silent router is found after the load, and asked for a bounded time", () => {
    const measured = {
      kind: "forwarding",
      rtt: rtt([1, 1, null, null]),
      clocks: [{ host: "C", offsetUs: 10e6, uncertaintyUs: 0 }],
      phases: [{ name: "collect", atUs: 15e6 }],
    };
    // Its last answer on the controller's clock: 11 s.
    expect(of({ ...measured, router: { atUs: 18e6 } })).toEqual({ timeMs: 7000, boundMs: 44_000 });
    expect(of({ ...measured, router: {} })).toEqual({ timeMs: null, boundMs: null });
    expect(of({ ...measured, router: null })).toEqual({ timeMs: null, boundMs: null });
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
