/** The sink's reduction against a plain one of a few lines, over random losses, repeats and swaps. */
import { execaSync } from "execa";
import fc from "fast-check";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Frame {
  readonly atUs: number;
  readonly tag: number;
  readonly number: number;
}
interface Case {
  readonly modulus: number | null;
  readonly fps: number;
  readonly thresholdUs: number;
  readonly pieces: readonly (readonly Frame[])[];
}
interface Summary {
  readonly frames: number;
  readonly duplicates: number;
  readonly late: number;
  readonly foreign: number;
  readonly firstSequence: number | null;
  readonly lastSequence: number | null;
  readonly ticks: { readonly frames: readonly number[] };
  readonly gaps: readonly { startUs: number; endUs: number; lost: number; stale: number }[];
  readonly lostRanges: readonly (readonly [number, number])[];
}

const python = `
import json, sys
from agent.arrivals import Arrivals
out = []
for case in json.load(sys.stdin):
    a = Arrivals(7, case["modulus"], case["fps"], case["thresholdUs"], 10000, 0)
    for piece in case["pieces"]:
        m = case["modulus"]
        a.add([f["atUs"] for f in piece], [f["tag"] for f in piece],
              [f["number"] % m if m else f["number"] for f in piece])
    out.append(a.summary())
json.dump(out, sys.stdout)
`;
const reduce = (cases: readonly Case[]): Summary[] => {
  const { stdout } = execaSync("python3", ["-B", "-c", python], {
    input: JSON.stringify(cases),
    env: { PYTHONPATH: join(import.meta.dirname, "../../probes") },
  });
  return JSON.parse(stdout) as Summary[];
};
const reduceOne = (one: Case): Summary => {
  const [summary] = reduce([one]);
  if (summary === undefined) throw new Error("no summary");
  return summary;
};

const intervalUs = 100;
const stream = (
  numbers: readonly number[],
  atUs = (index: number) => index * intervalUs,
): Frame[] => numbers.map((number, index) => ({ atUs: atUs(index), tag: 7, number }));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const plain = (pieces: readonly (readonly Frame[])[]): Case => ({
  modulus: null,
  fps: 10_000,
  thresholdUs: 1_000,
  pieces,
});

const naive = (frames: readonly Frame[]) => {
  const own = frames.filter((frame) => frame.tag === 7);
  const seen = new Set<number>();
  let [duplicates, late, highest] = [0, 0, -1];
  for (const { number } of own) {
    if (seen.has(number)) duplicates++;
    else if (number < highest) late++;
    seen.add(number);
    highest = Math.max(highest, number);
  }
  const sorted = [...seen].sort((one, other) => one - other);
  const lostRanges = sorted
    .slice(1)
    .map((number, index) => [(sorted[index] ?? 0) + 1, number - 1] as const)
    .filter(([from, to]) => to >= from);
  return {
    frames: seen.size,
    duplicates,
    late,
    foreign: frames.length - own.length,
    firstSequence: sorted[0] ?? null,
    lastSequence: sorted.at(-1) ?? null,
    lostRanges,
  };
};

test("every frame is counted once, under any loss, repetition, disorder and cutting into pieces", () => {
  const frame = fc.record({
    number: fc.nat(60),
    tag: fc.constantFrom(7, 7, 7, 8),
    waitUs: fc.nat(3_000),
  });
  const piece = fc.oneof(
    fc.array(frame, { maxLength: 12 }),
    fc
      .tuple(fc.nat(60), fc.integer({ min: 1, max: 12 }))
      .map(([from, length]) =>
        range(from, from + length).map((number) => ({ number, tag: 7, waitUs: 100 })),
      ),
  );
  const cases = fc
    .sample(fc.array(piece, { maxLength: 8 }), { numRuns: 400, seed: 11 })
    .map((pieces) => {
      let atUs = 0;
      return plain(
        pieces.map((one) =>
          one.map(({ waitUs, ...rest }) => ({ ...rest, atUs: (atUs += waitUs) })),
        ),
      );
    });
  for (const [index, summary] of reduce(cases).entries()) {
    const expected = naive(cases[index]?.pieces.flat() ?? []);
    expect(summary).toMatchObject(expected);
    expect(summary.ticks.frames.reduce((sum, one) => sum + one, 0)).toBe(expected.frames);
  }
});

test("a modulus is unwrapped over many rounds, in and out of whole pieces", () => {
  const numbers = range(0, 1_000).filter((number) => number < 500 || number % 7 !== 0);
  const frames = numbers.map((number) => ({ atUs: number * intervalUs, tag: 7, number }));
  const pieces = [frames.slice(0, 300), frames.slice(300, 301), frames.slice(301)];
  const summary = reduceOne({ ...plain(pieces), modulus: 64 });
  expect(summary).toMatchObject({ ...naive(frames), lastSequence: 999 });
});

test("a blackout of several rounds of the modulus loses as many frames as time says", () => {
  const frames = [...range(0, 100), ...range(1_600, 1_700)].map((number) => ({
    atUs: number * intervalUs + (number % 3),
    tag: 7,
    number,
  }));
  const summary = reduceOne({ ...plain([frames]), modulus: 256 });
  expect(summary).toMatchObject({ frames: 200, late: 0, lostRanges: [[100, 1_599]] });
  const longest = summary.gaps.find((gap) => gap.lost > 0);
  expect(longest).toEqual({ startUs: 9_900, endUs: 160_001, lost: 1_500, stale: 0 });
});

test("a gap ends at a frame with a new number, and older ones in it are told", () => {
  const frames = [
    ...stream(range(0, 50)),
    { atUs: 50_000, tag: 7, number: 20 },
    { atUs: 50_100, tag: 7, number: 21 },
    { atUs: 60_000, tag: 7, number: 400 },
  ];
  const { gaps, duplicates } = reduceOne(plain([frames]));
  expect(duplicates).toBe(2);
  expect(gaps.at(-1)).toEqual({ startUs: 4_900, endUs: 60_000, lost: 350, stale: 2 });
});

test("the last arrival is that of the newest frame, not of an older one that came after it", () => {
  const frames = [...stream(range(0, 50)), { atUs: 50_000, tag: 7, number: 20 }];
  expect(reduceOne(plain([frames]))).toMatchObject({ lastUs: 4_900, lastSequence: 49 });
});

test("a pause without a lost frame is a gap that lost none", () => {
  const frames = stream(range(0, 100), (index) => index * intervalUs + (index < 50 ? 0 : 260_000));
  const { gaps } = reduceOne(plain([frames]));
  expect(gaps.filter((gap) => gap.endUs - gap.startUs > 1_000)).toEqual([
    { startUs: 4_900, endUs: 265_000, lost: 0, stale: 0 },
  ]);
});

test("every gap above the threshold is kept, and the twenty longest in any case", () => {
  const pauses = (count: number, pauseUs: number) => {
    let atUs = 0;
    return range(0, count).map((number) => ({ atUs: (atUs += pauseUs + number), tag: 7, number }));
  };
  expect(reduceOne(plain([pauses(101, 2_000)])).gaps).toHaveLength(100);
  const short = reduceOne(plain([pauses(101, 100)])).gaps;
  expect(short).toHaveLength(20);
  expect(Math.min(...short.map((gap) => gap.endUs - gap.startUs))).toBe(181);
});

test("ticks count arrivals where they arrived", () => {
  const frames = stream(range(0, 250));
  expect(reduceOne(plain([frames.slice(0, 170), frames.slice(170)])).ticks.frames).toEqual([
    100, 100, 50,
  ]);
});

test("nothing received is zero frames and no times", () => {
  expect(reduceOne(plain([]))).toMatchObject({
    frames: 0,
    firstSequence: null,
    lastSequence: null,
    gaps: [],
    lostRanges: [],
  });
});
