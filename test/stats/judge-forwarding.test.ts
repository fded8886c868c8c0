import { describe, expect, test } from "vitest";
import type { ForwardingMeasurement } from "../../model/measurement.ts";
import { judgeForwarding } from "../../stats/judge.ts";
import { context, tolerant, snapshot, base, forwarding, isDocumented } from "./measured.ts";
import type { Tolerance } from "./measured.ts";

describe("judgeForwarding", () => {
  test("gives no figure that the page of results does not name", () => {
    const baseline = {
      ...{ fps: 1000, durationMs: 1000, allowedLossRatio: 0.001, silence: null },
      ...{ offeredFrames: 1000, receivedFrames: 1000 },
    };
    const { results } = judgeForwarding({ ...forwarding, baseline }, context);
    expect(Object.keys(results)).toContain("baselineFps");
    expect(Object.keys(results).filter((key) => !isDocumented(key))).toEqual([]);
  });

  test("gives a good measurement its figures, with units in their names", () => {
    const { verdict, results, ledger, doubts } = judgeForwarding(forwarding, context);
    expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    expect(doubts).toEqual([]);
    expect(results).toMatchObject({
      intendedFps: 1000,
      offeredFps: 1000,
      forwardedFps: 1000,
      lossRatio: 0,
      rttMedianMs: expect.closeTo(1.45, 10) as number,
      rttP99Ms: expect.closeTo(1.9, 10) as number,
      rttLossRatio: 0,
      rttProbes: 1000,
      hostLoadMaxRatio: expect.closeTo(0.6, 10) as number,
      hostLoadMaxHost: "R1",
    });
    expect(ledger[0]).toEqual({ place: "sent", frames: 10_000 });
  });

  test("shows loss at its place as data, not as a fault", () => {
    const after = [
      forwarding.after[0] ?? snapshot("A", "a0", {}),
      snapshot("R1", "tap0", { txDropped: 3800 }),
      snapshot("B", "b0", { rxFrames: 6200 }),
    ];
    const lossy = { ...forwarding, after, sink: { ...forwarding.sink, frames: 6200 } };
    const { verdict, results, ledger } = judgeForwarding(lossy, context);
    expect(verdict.verdict).toBe("valid");
    expect(results.lossRatio).toBe(0.38);
    expect(ledger).toContainEqual({ place: "tap into the guest", frames: 3800 });
    expect(ledger).toContainEqual({ place: "unexplained", frames: 0 });
  });

  test.each<[string, Partial<ForwardingMeasurement>, Tolerance, string]>([
    [
      "the offered load misses the intended one",
      { offered: { ...forwarding.offered, intendedFps: 1020 } },
      {},
      "offered load missed: 1000 frames/s sent, 1020 intended, off by 1.96 % (tolerance 1 %)",
    ],
    [
      "nothing was sent",
      { offered: { ...forwarding.offered, frames: 0 } },
      {},
      "offered load missed: 0 frames/s sent",
    ],
    [
      "frames vanish that no counter has",
      { sink: { ...forwarding.sink, frames: 9900 } },
      {},
      "ledger out of balance: 100 of 10000 frames are unexplained (at most 10 may be)",
    ],
    [
      "the sender's NIC did not send what the generator says",
      { after: [snapshot("A", "a0", { txFrames: 9800 }), ...forwarding.after.slice(1)] },
      {},
      "offered load unknown: the generator says that 10000 frames left it, its NIC counted 9800",
    ],
    [
      "the sink itself drops frames",
      { sink: { ...forwarding.sink, socketDrops: 4 } },
      {},
      "B: the sink itself dropped 4 frames at its socket; they would look like loss of the router",
    ],
    [
      "a host is busier than the campaign allows",
      {},
      { hostLoadRatio: 0.5 },
      "R1: CPUs were busy 60 % of the time (tolerance 50 %)",
    ],
    [
      "a sampler is later than the campaign allows",
      {},
      { samplingP99Ms: 11 },
      "R1: the counter sampler's p99 interval is 12 ms instead of 10 ms (tolerance 11 ms)",
    ],
    [
      "the counters of a host are missing",
      { after: [] },
      {},
      "ledger incomplete: source NIC: A was not read both before and after",
    ],
    ["a clock is missing", { clocks: [] }, {}, "A: no clock offset was measured"],
  ])("calls the attempt invalid when %s", (_case, change, tolerance, reason) => {
    const { verdict } = judgeForwarding({ ...forwarding, ...change }, tolerant(tolerance));
    expect(verdict).toMatchObject({ verdict: "invalid", cut: false });
    expect(verdict.verdict === "invalid" && verdict.reason).toContain(reason);
  });

  test("doubts flagged series, foreign frames and silence, and changes no verdict for them", () => {
    const flagged = {
      ...forwarding,
      sink: { ...forwarding.sink, foreign: 7, clockStepUs: 5000 },
      rtt: { ...forwarding.rtt, refused: 3 },
      accuracy: [{ ...base.accuracy[0], p99Ms: 16 }],
    };
    const { verdict, doubts } = judgeForwarding(flagged, context);
    expect(verdict.verdict).toBe("valid");
    expect(doubts).toEqual([
      "7 frames of another attempt arrived; they are not counted",
      "C: the host itself refused to send 3 probes of the side flow; they are not in its RTT or loss",
      "B: the wall clock moved by 5000 µs against the monotonic one; arrival stamps are off by as much",
      "R1: the counter sampler's p99 interval is 16 ms instead of 10 ms",
    ]);
  });

  test("a miscount of the sender within the tolerance of the load, and frames it could not send, are doubts", () => {
    const after = [snapshot("A", "a0", { txFrames: 9950 }), ...forwarding.after.slice(1)];
    const refused = { retriedFrames: 4, failedFrames: 3, truncatedFrames: 1 };
    const { verdict, doubts } = judgeForwarding(
      { ...forwarding, after, offered: { ...forwarding.offered, refused } },
      context,
    );
    expect(verdict.verdict).toBe("valid");
    expect(doubts).toEqual([
      "the sender's kernel refused 3 frames for good; they are not offered",
      "1 frames were sent cut short",
      "the generator says that 10000 frames left it, its NIC counted 9950",
    ]);
  });

  test("prints how many frames may stay unexplained, and doubts those that only the counters' noise allows", () => {
    const sent = { ...forwarding.offered, frames: 2000, intendedFps: 200 };
    const after = [
      snapshot("A", "a0", { txFrames: 2000 }),
      ...forwarding.after.slice(1, 2),
      snapshot("B", "b0", { rxFrames: 1995 }),
    ];
    const short = {
      ...forwarding,
      offered: sent,
      after,
      sink: { ...forwarding.sink, frames: 1995 },
    };
    const { verdict, results, doubts } = judgeForwarding(short, context);
    expect(verdict.verdict).toBe("valid");
    expect(results.unexplainedBoundFrames).toBe(8);
    expect(doubts).toEqual([
      "5 of 2000 frames are unexplained: beyond the tolerance of 0.1 %, but within the 8 frames by which counters are off",
    ]);
    expect(judgeForwarding(forwarding, context).results.unexplainedBoundFrames).toBe(10);
  });

  const asked = { fps: 1000, durationMs: 2000, allowedLossRatio: 0.001, silence: null };
  const lossyBaseline = { ...asked, offeredFrames: 2000, receivedFrames: 1600 };

  test("a router that forwards, but not the baseline, is degraded, with the figures of the baseline", () => {
    const { verdict, results, doubts } = judgeForwarding(
      { ...forwarding, baseline: lossyBaseline },
      context,
    );
    expect(verdict).toEqual({ verdict: "valid", outcome: "degraded" });
    expect(results).toMatchObject({ baselineFps: 1000, baselineLossRatio: 0.2 });
    expect(doubts).toEqual([
      "after the load the router did not meet the baseline: 1600 of 2000 frames arrived at 1000 frames/s (at most 0.1 % may be lost); both flows answer",
    ]);
  });

  test("one that met the baseline, or was not asked for it, is not", () => {
    const met = { ...asked, offeredFrames: 2000, receivedFrames: 1998 };
    for (const baseline of [met, null, undefined]) {
      const { verdict } = judgeForwarding(
        { ...forwarding, ...(baseline === undefined ? {} : { baseline }) },
        context,
      );
      expect(verdict).toEqual({ verdict: "valid", outcome: "completed" });
    }
    const silent = { ...asked, silence: "A got no answer", offeredFrames: 0, receivedFrames: 0 };
    expect(judgeForwarding({ ...forwarding, baseline: silent }, context).verdict).toMatchObject({
      outcome: "degraded",
    });
  });

  test("what vanishes uncounted in a degraded router is no fault of the harness, outside of it it is", () => {
    const point = (place: string, host: string, device: string) =>
      ({ place, host, device, counter: "rxFrames" }) as const;
    const path = {
      ...forwarding.path,
      points: [
        forwarding.path.points[0] ?? point("source NIC", "A", "a0"),
        point("guest NIC in", "guest", "eth0"),
        point("guest NIC out", "guest", "eth1"),
        forwarding.path.points[1] ?? point("sink NIC", "B", "b0"),
      ],
    };
    const counted = (inFrames: number, outFrames: number) => {
      const before = snapshot("guest", "eth0", {});
      const after = snapshot("guest", "eth0", { rxFrames: inFrames });
      const out = (frames: number) => snapshot("guest", "eth1", { rxFrames: frames }).interfaces;
      return {
        ...{ ...forwarding, path, baseline: lossyBaseline },
        sink: { ...forwarding.sink, frames: 8000 },
        before: [
          ...forwarding.before,
          { ...before, interfaces: { ...before.interfaces, ...out(0) } },
        ],
        after: [
          ...forwarding.after.filter(({ host }) => host !== "B"),
          snapshot("B", "b0", { rxFrames: 8000 }),
          { ...after, interfaces: { ...after.interfaces, ...out(outFrames) } },
        ],
      };
    };
    expect(judgeForwarding(counted(10_000, 8000), context).verdict).toEqual({
      verdict: "valid",
      outcome: "degraded",
    });
    expect(judgeForwarding(counted(8000, 8000), context).verdict).toMatchObject({
      verdict: "invalid",
      reason: expect.stringContaining("ledger out of balance") as unknown,
    });
  });

  test("a router that forwards nothing after the load is degraded, whatever little else speaks against it", () => {
    const router = {
      ...{ host: "R1", state: "running", forwarding: "silent", arp: "answers", panicked: false },
      ...{ otherHost: { host: "R2", state: "absent" }, heartbeatS: null, guestCommand: null },
      ...{ bootId: { before: null, after: null }, vcpu: null, hosts: [], evidence: [] },
    } as unknown as NonNullable<ForwardingMeasurement["router"]>;
    const { verdict, doubts } = judgeForwarding({ ...forwarding, router }, context);
    expect(verdict).toEqual({ verdict: "valid", outcome: "degraded" });
    expect(doubts).toContain("the router on R1: no probe frame came through it");
  });

  test("a host that took no part is named", () => {
    const { doubts } = judgeForwarding({ ...forwarding, absentHosts: ["R2"] }, context);
    expect(doubts).toEqual(["R2 was in quarantine and took no part: it has no counter series"]);
  });

  test("never lets a figure be anything but a finite number or missing", () => {
    const offered = { ...forwarding.offered, frames: 0, endUs: forwarding.offered.startUs };
    const { results } = judgeForwarding({ ...forwarding, offered }, context);
    expect(results).toMatchObject({ offeredFps: null, forwardedFps: null, lossRatio: null });
  });
});
