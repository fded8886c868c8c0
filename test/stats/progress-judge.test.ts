import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ProgressSample } from "../../model/watch.ts";
import { firstHang, judgeProgress } from "../../stats/progress-judge.ts";

const rule = { windowMs: 5000, progressRatio: 0.96 };
const mib = 2 ** 20;
const probeMs = 500;

const sample = (atMs: number, seen: Partial<ProgressSample>): ProgressSample => ({
  ...{ remainingBytes: null, transferredBytes: null, iteration: null, linkBytes: null },
  ...seen,
  atUs: atMs * 1000,
});
/** One sample every half second, from a function of the milliseconds since the command. */
const seen = (untilMs: number, at: (ms: number) => Partial<ProgressSample>) =>
  Array.from({ length: Math.floor(untilMs / probeMs) + 1 }, (_, index) =>
    sample(index * probeMs, at(index * probeMs)),
  );
/** All samples up to each moment in turn, as a watcher sees them. */
const verdicts = (samples: readonly ProgressSample[]) =>
  samples.map((_, index) => judgeProgress(samples.slice(0, index + 1), rule).verdict);

describe("progress of a migration", () => {
  test.each<[string, readonly ProgressSample[], string]>([
    ["nothing was seen yet", [], "progressing"],
    [
      "nothing moves, but for less than the window",
      seen(4500, () => ({ remainingBytes: mib, transferredBytes: 1, linkBytes: 1 })),
      "progressing",
    ],
    [
      "nothing moves for the window",
      seen(5000, () => ({ remainingBytes: mib, transferredBytes: 1, linkBytes: 1 })),
      "stalled",
    ],
    [
      "retransmissions and ARP are all that the link carries",
      seen(8000, (ms) => ({ remainingBytes: mib, transferredBytes: 1, linkBytes: ms * 2 })),
      "stalled",
    ],
    [
      "a guest dirties its memory as fast as the link carries it",
      seen(20_000, (ms) => ({
        remainingBytes: mib * (10 + 5 * Math.abs(Math.sin(ms))),
        transferredBytes: ms * 1000,
        linkBytes: ms * 1100,
      })),
      "not-converging",
    ],
    [
      "the platform's count stands while the link carries",
      seen(8000, (ms) => ({ remainingBytes: mib, transferredBytes: 1, linkBytes: ms * 1000 })),
      "not-converging",
    ],
    [
      "the remainder falls slowly, by more than a twenty-fifth in the window",
      seen(20_000, (ms) => ({ remainingBytes: mib * 0.99 ** (ms / 1000), transferredBytes: ms })),
      "progressing",
    ],
    [
      "the remainder falls by less than that",
      seen(20_000, (ms) => ({ remainingBytes: mib * 0.998 ** (ms / 1000), transferredBytes: ms })),
      "not-converging",
    ],
    [
      "a platform without a remainder carries bytes on the link",
      seen(20_000, (ms) => ({ linkBytes: ms * 1000 })),
      "progressing",
    ],
    [
      "it stopped in the midst of the window, before it had moved much",
      seen(6000, (ms) => ({
        remainingBytes: mib * (1 - Math.min(ms, 1500) / 50_000),
        transferredBytes: Math.min(ms, 1500),
      })),
      "progressing",
    ],
    [
      "it stopped so, and the window is past that",
      seen(6500, (ms) => ({
        remainingBytes: mib * (1 - Math.min(ms, 1500) / 50_000),
        transferredBytes: Math.min(ms, 1500),
      })),
      "stalled",
    ],
    [
      "the last bytes before it were counted a little after the remainder stood",
      seen(5500, (ms) => ({
        remainingBytes: mib,
        transferredBytes: 1,
        linkBytes: ms < 500 ? 0 : 3e6,
      })),
      "stalled",
    ],
    [
      "a platform without a remainder carries none",
      seen(20_000, () => ({ linkBytes: 7 })),
      "stalled",
    ],
    ["a platform shows nothing at all", seen(20_000, () => ({})), "progressing"],
    [
      "nothing is left to send and the switch-over does not come",
      seen(8000, () => ({ remainingBytes: 0, transferredBytes: 9, linkBytes: 9 })),
      "stalled",
    ],
  ])("when %s", (_what, samples, verdict) => {
    expect(judgeProgress(samples, rule).verdict).toBe(verdict);
  });

  test("steady progress is never called a hang", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        fc.integer({ min: 12, max: 200 }),
        (perWindow, count) => {
          // Falls by `perWindow` of itself and at least a tenth more than the rule asks for.
          const factor = (1 - Math.max(0.045, perWindow * 0.9)) ** (probeMs / rule.windowMs);
          const samples = seen(count * probeMs, (ms) => ({
            remainingBytes: 1e12 * factor ** (ms / probeMs),
            transferredBytes: ms,
            linkBytes: ms,
          }));
          expect(new Set(verdicts(samples))).toEqual(new Set(["progressing"]));
        },
      ),
    );
  });

  test("a flat line after any steady progress is found within the window and one interval", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 1000, max: 20_000 }),
        (moves, windowMs) => {
          const endMs = moves * probeMs;
          const samples = seen(endMs + windowMs + 2 * probeMs, (ms) => ({
            remainingBytes: 1e9 * 0.5 ** Math.min(moves, ms / probeMs),
            transferredBytes: 1e6 * Math.min(ms, endMs),
            linkBytes: 1e6 * Math.min(ms, endMs),
          }));
          const asked = { ...rule, windowMs };
          const found = samples.findIndex(
            (_, index) => judgeProgress(samples.slice(0, index + 1), asked).verdict === "stalled",
          );
          const atMs = (samples[found]?.atUs ?? Infinity) / 1000;
          expect(atMs - endMs).toBeGreaterThanOrEqual(windowMs);
          expect(atMs - endMs).toBeLessThanOrEqual(windowMs + probeMs);
          const { sinceUs } = judgeProgress(samples.slice(0, found + 1), asked);
          expect(sinceUs).toBe(endMs * 1000);
        },
      ),
    );
  });

  test("a link that goes dead is a stall and nothing else, whenever it is looked at, and found as soon after its last byte", () => {
    const windowMs = 5000;
    const dead = fc.record({
      /** Of the remainder, in each window while the link lives: little, as with a slow link or much memory. */
      perWindow: fc.double({ min: 0.001, max: 0.2, noNaN: true }),
      diesMs: fc.integer({ min: 1, max: 20_000 }),
      lookMs: fc.integer({ min: 0, max: 999 }),
    });
    // At the letter of the rule, growth anywhere in the window is no convergence.
    const byTheLetter = { calledUnconverging: 0, looked: 0 };
    fc.assert(
      fc.property(dead, ({ perWindow, diesMs, lookMs }) => {
        const at = (ms: number) => {
          const moved = Math.min(ms, diesMs);
          return sample(ms, {
            remainingBytes: 1e9 * (1 - perWindow) ** (moved / windowMs),
            transferredBytes: 1e5 * moved,
            linkBytes: 1e5 * moved,
          });
        };
        // The driver tells every 20 ms, the watcher looks every second.
        const told = Array.from({ length: (diesMs + 2 * windowMs) / 20 }, (_, n) => at(n * 20));
        const looks = Array.from({ length: 40 }, (_, n) => lookMs + n * 1000).filter(
          (ms) => ms > diesMs && ms < diesMs + 2 * windowMs,
        );
        const judged = looks.map((ms) => ({
          ms,
          ...judgeProgress([...told.filter(({ atUs }) => atUs <= ms * 1000), at(ms)], rule),
        }));
        const found = judged.find(({ verdict }) => verdict !== "progressing");
        // A slow link converges too slowly while it lives; that is another verdict, and true.
        const alive = judgeProgress(
          told.filter(({ atUs }) => atUs <= diesMs * 1000),
          rule,
        );
        if (alive.verdict !== "progressing") return;
        if (found?.verdict === "not-converging")
          // Only while the newer half of the window still saw it grow.
          expect(found.ms - diesMs).toBeLessThanOrEqual(windowMs / 2);
        else {
          expect(found?.verdict).toBe("stalled");
          expect((found?.ms ?? Infinity) - diesMs).toBeLessThanOrEqual(windowMs + 1000 + 20);
        }
        for (const { ms } of judged) {
          byTheLetter.looked += 1;
          const started = at(Math.max(0, ms - windowMs));
          const noProgress =
            (at(ms).remainingBytes ?? 0) >= rule.progressRatio * (started.remainingBytes ?? 0);
          if (noProgress && ms > windowMs && ms - windowMs < diesMs)
            byTheLetter.calledUnconverging += 1;
        }
      }),
      { numRuns: 200, seed: 4 },
    );
    expect(byTheLetter.calledUnconverging).toBeGreaterThan(0);
  });

  test("neither the start of the clock nor the unit of bytes changes a verdict", () => {
    const arbitrary = fc.array(
      fc.record({
        remainingBytes: fc.option(fc.integer({ min: 0, max: 1000 })),
        transferredBytes: fc.option(fc.integer({ min: 0, max: 1000 })),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(arbitrary, fc.integer({ min: 0, max: 1e9 }), (looks, shiftMs) => {
        const at = (startMs: number, bytes: number) =>
          looks.map(({ remainingBytes: left, transferredBytes: sent }, index) =>
            sample(startMs + index * probeMs, {
              remainingBytes: left === null ? null : left * bytes,
              transferredBytes: sent === null ? null : sent * bytes,
            }),
          );
        const { verdict } = judgeProgress(at(0, 1), rule);
        expect(judgeProgress(at(shiftMs, 4096), rule).verdict).toBe(verdict);
      }),
    );
  });

  test("the first hang of a finished migration is found again from its samples", () => {
    const samples = seen(20_000, (ms) => ({
      remainingBytes: 1e9 - 1e5 * Math.min(ms, 6000),
      transferredBytes: 1e5 * Math.min(ms, 6000),
    }));
    expect(firstHang(samples, rule)).toEqual({ verdict: "stalled", sinceUs: 6_000_000 });
    expect(firstHang(samples.slice(0, 12), rule).verdict).toBe("progressing");
  });
});

describe("the first hang of a whole migration", () => {
  const counter = fc.option(fc.integer({ min: 0, max: 4 }), { nil: null, freq: 3 });
  const steps = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 2500 }),
      left: counter,
      sent: counter,
      link: counter,
    }),
    { maxLength: 60 },
  );

  test("is the one that a judge of all samples up to each moment finds", () => {
    fc.assert(
      fc.property(steps, (drawn) => {
        let [atMs, sent, link] = [0, 0, 0];
        const samples = drawn.map((step) => {
          atMs += step.afterMs;
          sent += step.sent ?? 0;
          link += (step.link ?? 0) * 100_000;
          return sample(atMs, {
            remainingBytes: step.left === null ? null : step.left * mib,
            transferredBytes: step.sent === null ? null : sent,
            linkBytes: step.link === null ? null : link,
          });
        });
        const ends = samples.map((_, index) => judgeProgress(samples.slice(0, index + 1), rule));
        const first = ends.find(({ verdict }) => verdict !== "progressing");
        expect(firstHang(samples, rule)).toEqual(
          first ?? { verdict: "progressing", sinceUs: null },
        );
      }),
      { numRuns: 3000 },
    );
  });
});
