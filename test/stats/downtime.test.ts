import { describe, expect, test } from "vitest";
import type { SinkGap, SinkSummary } from "../../model/measurement.ts";
import { brownout } from "../../stats/brownout.ts";
import { firstForwardedUs, lossDerived, openGap, packetGap } from "../../stats/downtime.ts";
import { rttSummary, steadyRttUs } from "../../stats/rtt.ts";

const gap = (startMs: number, endMs: number, stale = 0): SinkGap => ({
  startUs: startMs * 1000,
  endUs: endMs * 1000,
  lost: 0,
  stale,
});
const sinkWith = (gaps: readonly SinkGap[]): SinkSummary => ({
  host: "B",
  frames: 0,
  duplicates: 0,
  late: 0,
  foreign: 0,
  socketDrops: 0,
  firstUs: 0,
  lastUs: 10_000_000,
  firstSequence: 0,
  lastSequence: 0,
  ticks: { startUs: 0, tickMs: 10, frames: [] },
  gapThresholdUs: 3000,
  gaps,
  lostRanges: [],
  clockStepUs: 0,
});
/** The command at 3 s, the destination running 700 ms later. */
const window = { commandUs: 3_000_000, destinationRunsUs: 3_700_000, uncertaintyUs: 0 };

describe("the packet gap", () => {
  test("is the anchored gap less one interval, with the longest one before as its control", () => {
    const sink = sinkWith([gap(2500, 2506), gap(3640, 3701, 2), gap(2700, 2704)]);
    expect(packetGap(sink, window, 1000, null)).toMatchObject({
      resolutionMs: 1,
      gapMs: 60,
      controlMs: 5,
      belowResolution: false,
      startUs: 3_640_000,
      endUs: 3_701_000,
      stale: 2,
      controlCoverRatio: 1,
    });
  });

  test("may end after the destination runs, and begin before the command", () => {
    expect(packetGap(sinkWith([gap(3690, 5000)]), window, 1000, null).gapMs).toBe(1309);
    expect(packetGap(sinkWith([gap(2990, 3100)]), window, 1000, null).gapMs).toBe(109);
  });

  test("outside the migration is neither a downtime nor a control", () => {
    const sink = sinkWith([gap(500, 900), gap(3600, 3660), gap(5000, 7000)]);
    expect(packetGap(sink, window, 1000, null)).toMatchObject({ gapMs: 59, controlMs: 2 });
  });

  test("that is not clearly longer than its control is below resolution", () => {
    const sink = sinkWith([gap(2600, 2860), gap(3600, 3900)]);
    expect(packetGap(sink, window, 1000, null)).toMatchObject({
      gapMs: 299,
      controlMs: 259,
      belowResolution: true,
    });
  });

  test("that the sink did not list is at most its threshold, and below resolution", () => {
    expect(packetGap(sinkWith([]), window, 1000, null)).toMatchObject({
      gapMs: 2,
      belowResolution: true,
      startUs: null,
    });
  });

  test("tells how much of its control window the stream covered", () => {
    const late = { ...sinkWith([gap(3600, 3660)]), firstUs: 2_650_000 };
    expect(packetGap(late, window, 1000, null).controlCoverRatio).toBe(0.5);
  });

  test("is searched wider by the error between the clocks", () => {
    const sink = sinkWith([gap(3701, 3790)]);
    expect(packetGap(sink, window, 1000, null).startUs).toBeNull();
    expect(packetGap(sink, { ...window, uncertaintyUs: 2000 }, 1000, null).gapMs).toBe(88);
  });
});

describe("an outage that does not end", () => {
  const load = { startUs: 0, endUs: 10_000_000, frames: 10_000 };
  const silentFrom = (lastUs: number | null, lastSequence: number | null) => ({
    ...sinkWith([]),
    ...{ lastUs, lastSequence },
  });

  test("is a gap to the end of the load, and none where the stream was there to its end", () => {
    const gap = { startUs: 3_650_000, endUs: 10_000_000, lost: 6349, stale: 0 };
    expect(openGap(silentFrom(3_650_000, 3650), load)).toEqual(gap);
    expect(openGap(silentFrom(null, null), load)).toMatchObject({ startUs: 0, lost: 10_000 });
    expect(openGap(silentFrom(9_999_000, 9998), load)).toBeNull();
    expect(openGap(silentFrom(9_900_000, 9999), load)).toBeNull();
  });

  test("is the packet gap of a migration that it overlaps, open, and of no other", () => {
    const open = openGap(silentFrom(3_650_000, 3650), load);
    expect(packetGap(sinkWith([gap(3100, 3150)]), window, 1000, open)).toMatchObject({
      ...{ gapMs: 6349, open: true, belowResolution: false },
    });
    const later = openGap(silentFrom(5_000_000, 5000), load);
    expect(packetGap(sinkWith([gap(3100, 3150)]), window, 1000, later)).toMatchObject({
      ...{ gapMs: 49, open: false },
    });
  });
});

describe("the first frame that the destination forwarded", () => {
  test("ends the gap in which the destination began to run, however short or long another one is", () => {
    const sink = sinkWith([gap(3020, 3090), gap(3680, 3715), gap(5000, 7000)]);
    expect(firstForwardedUs(sink, window, null)).toBe(3_715_000);
  });

  test("came within the sink's threshold where no gap is listed around that moment", () => {
    expect(firstForwardedUs(sinkWith([gap(3020, 3090)]), window, null)).toBe(3_703_000);
  });

  test("never came in an outage that does not end", () => {
    const open = { ...gap(3650, 10_000), lost: 1 };
    expect(firstForwardedUs(sinkWith([]), window, open)).toBeNull();
    expect(firstForwardedUs({ ...sinkWith([]), lastUs: null }, window, null)).toBeNull();
  });
});

describe("the loss-derived downtime", () => {
  const sent = { frames: 10_000, startUs: 0, fps: 1000 };
  test("does not take frames lost before the first arrival for its own", () => {
    const sink = { frames: 9_700, firstSequence: 300, lostRanges: [] };
    expect(lossDerived(sink, sent, 3_000_000)).toMatchObject({
      ...{ downtimeMs: null, lostBefore: 300, lostFrom: 0 },
    });
    const none = { frames: 0, firstSequence: null, lostRanges: [] };
    expect(lossDerived(none, sent, 3_000_000)).toMatchObject({ lostBefore: 3000, lostFrom: 7000 });
  });

  test("is the frames lost from the command on over the rate", () => {
    const sink = {
      frames: 9_800,
      firstSequence: 0,
      lostRanges: [[3600, 3798] as const, [100, 100] as const],
    };
    expect(lossDerived(sink, sent, 3_000_000)).toEqual({
      downtimeMs: 199,
      lostBefore: 1,
      lostFrom: 199,
      sentBefore: 3000,
    });
  });

  test("is missing where the load loses frames without migration", () => {
    const sink = {
      frames: 9_700,
      firstSequence: 0,
      lostRanges: [[100, 199] as const, [3600, 3799] as const],
    };
    expect(lossDerived(sink, sent, 3_000_000)).toMatchObject({ downtimeMs: null, lostBefore: 100 });
  });

  test("splits a range of lost frames at the command", () => {
    const sink = { frames: 9_990, firstSequence: 0, lostRanges: [[2999, 3008] as const] };
    expect(lossDerived(sink, sent, 3_000_000)).toMatchObject({ lostBefore: 1, lostFrom: 9 });
  });
});

describe("brownout", () => {
  /** 10 frames in each of 1000 ticks of 10 ms. */
  const steady = Array.from({ length: 1000 }, () => 10);
  const rtt = {
    intervalMs: 10,
    sentUs: Array.from({ length: 1000 }, (_, index) => index * 10_000),
    rttMs: Array.from({ length: 1000 }, (): number | null => 1),
  };
  const given = {
    sink: { ticks: { startUs: 0, tickMs: 10, frames: steady } },
    fps: 1000,
    fromUs: 3_000_000,
    toUs: 10_000_000,
    gap: null,
    rtt,
    rttBoundMs: 2,
    rttShiftUs: 0,
  };
  const changed = <T>(values: readonly T[], from: number, to: number, value: T): T[] =>
    values.map((each, index) => (index >= from && index < to ? value : each));
  const withTicks = (frames: readonly number[]) => ({
    sink: { ticks: { startUs: 0, tickMs: 10, frames } },
  });

  test("is zero for a steady stream", () => {
    expect(brownout(given)).toEqual({ totalMs: 0, rateMs: 0, rttMs: 0 });
  });

  test("counts time below 95 % of the offered rate, from the command on", () => {
    const slow = changed(changed(steady, 400, 450, 5), 0, 100, 0);
    expect(brownout({ ...given, ...withTicks(slow) }).rateMs).toBe(500);
  });

  test("goes on where the sink's ticks end with its last frame", () => {
    expect(brownout({ ...given, ...withTicks(steady.slice(0, 900)) }).rateMs).toBe(1000);
  });

  test("leaves the packet gap out", () => {
    const silent = changed(steady, 400, 450, 0);
    const gap = { startUs: 4_000_000, endUs: 4_500_000 };
    expect(brownout({ ...given, ...withTicks(silent), gap })).toEqual({
      totalMs: 0,
      rateMs: 0,
      rttMs: 0,
    });
  });

  test("counts high and lost RTT, and time with both once", () => {
    const slow = changed(steady, 400, 450, 5);
    const late = changed(changed(rtt.rttMs, 440, 460, 9), 700, 701, null);
    const found = brownout({ ...given, ...withTicks(slow), rtt: { ...rtt, rttMs: late } });
    expect(found).toEqual({ totalMs: 610, rateMs: 500, rttMs: 210 });
  });

  test("does not take one frame more or less in a tick for a low rate", () => {
    const jittery = steady.map((count, index) => count + (index % 2 === 0 ? 1 : -1));
    expect(brownout({ ...given, ...withTicks(jittery) }).rateMs).toBe(0);
  });
});

describe("RTT in a window", () => {
  const series = {
    host: "C",
    intervalMs: 10,
    sentUs: [0, 10_000, 20_000, 30_000, 40_000],
    rttMs: [1, 3, null, 2, 90],
  };
  test("is of the probes sent in it; lost ones count as loss alone", () => {
    expect(rttSummary(series, 0, 40_000)).toEqual({
      probes: 4,
      medianMs: 2,
      p99Ms: expect.closeTo(2.98, 10) as number,
      maxMs: 3,
      lossRatio: 0.25,
    });
  });

  test("without probes, or without answers, has no figures", () => {
    const none = { medianMs: null, p99Ms: null, maxMs: null };
    expect(rttSummary(series, 90_000, 99_000)).toEqual({ ...none, probes: 0, lossRatio: null });
    expect(rttSummary(series, 20_000, 30_000)).toEqual({ ...none, probes: 1, lossRatio: 1 });
  });

  test("is steady from the first of twenty answered probes of which at most one is high", () => {
    const rttMs = Array.from({ length: 60 }, (_, index): number | null => (index < 30 ? 50 : 1));
    rttMs[35] = null;
    const sentUs = rttMs.map((_, index) => index * 10_000);
    const long = { host: "C", intervalMs: 10, sentUs, rttMs };
    expect(steadyRttUs(long, 0, 2)).toBe(360_000);
    expect(steadyRttUs(long, 450_000, 2)).toBeNull();
  });
});
