import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Load } from "../../model/campaign.ts";
import { grouped, labelWords, loadLabel, loadWords } from "../../model/load.ts";
import { random } from "../../model/random.ts";
import { attemptTag, fnv1a } from "../../model/tag.ts";
import { trialTiming } from "../../model/trial-timing.ts";
import { unitName } from "../../model/unit-name.ts";

describe("loads", () => {
  test.each<[Load, string, string]>([
    [{ fps: 35000 }, "35000fps", "35,000 frames/s"],
    [{ mbpsL1: 0.5 }, "0.5MbpsL1", "0.5 Mbit/s L1"],
    [{ mbpsL2: 300 }, "300MbpsL2", "300 Mbit/s L2"],
    [{ ofLineRate: 1 }, "1lineRate", "1 of the line rate"],
    [{ ofCapacity: 0.5 }, "0.5capacity", "0.5 of the capacity"],
    [{ idle: true }, "idle", "idle"],
  ])("%j is called %s, in words %s", (load, label, words) => {
    expect(loadLabel(load)).toBe(label);
    expect(loadWords(load)).toBe(words);
    expect(labelWords(label)).toBe(words);
  });

  test.each([
    [1_488_095, "1,488,095"],
    [999, "999"],
    [4117.259_552, "4,117.26"],
  ])("%d frames are written %s", (value, words) => {
    expect(grouped(value)).toBe(words);
  });
});

describe("names on hosts", () => {
  const ref = { trialId: "demo-1/b07/forwarding-kvm-virtio-64B-0.5capacity", attempt: 2 };
  test("a unit's name holds campaign, trial, attempt and what it does", () => {
    expect(unitName(ref, "load")).toBe("demo-1.b07.forwarding-kvm-virtio-64B-0.5capacity.a2.load");
    expect(unitName(ref, "load")).toMatch(/^[A-Za-z0-9._-]+$/);
  });

  test.each([
    ["", 0x811c9dc5],
    ["a", 0xe40c292c],
    ["foobar", 0xbf9cf968],
  ])("FNV-1a of %j is the published one", (text, hash) => {
    expect(fnv1a(text)).toBe(hash);
  });

  test("attempts of one trial never share a tag", () => {
    const tags = Array.from({ length: 1000 }, (_, index) =>
      attemptTag({ ...ref, attempt: index + 1 }),
    );
    expect(new Set(tags).size).toBe(1000);
  });
});

describe("random order", () => {
  test("SplitMix64 gives the published sequence of seed 1234567", () => {
    const { next } = random(1_234_567n);
    expect([next(), next(), next(), next(), next()]).toEqual([
      6457827717110365317n,
      3203168211198807973n,
      9817491932198370423n,
      4593380528125082431n,
      16408922859458223821n,
    ]);
  });

  test("a shuffle keeps every item and depends on the seed alone", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.bigInt({ min: 0n, max: 2n ** 64n }), (items, seed) => {
        const shuffled = random(seed).shuffle(items);
        expect([...shuffled].sort()).toEqual([...items].sort());
        expect(random(seed).shuffle(items)).toEqual(shuffled);
      }),
    );
  });

  test("every place is reached about equally often", () => {
    const { shuffle } = random(1n);
    const first = [0, 0, 0, 0, 0];
    for (let draw = 0; draw < 5000; draw += 1) {
      const item = shuffle([0, 1, 2, 3, 4])[0] ?? 0;
      first[item] = (first[item] ?? 0) + 1;
    }
    // Chi-square with 4 degrees of freedom; the seed is fixed, so this holds or it does not.
    const chi = first.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chi).toBeLessThan(18.5);
  });
});

describe("trial timing", () => {
  const phases = { settleMs: 200, learnMs: 200, trialMs: 2000, drainMs: 300, restMs: 200 };
  const guest = { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" };
  const timed = {
    phases,
    guest,
    migrationDeadlineMs: 60_000,
    migrationMarginMs: 2000,
  };

  test("detects a hang after 40 s for 256 MiB, never before 5 s", () => {
    expect(trialTiming(timed, "migration").detectionBoundMs).toBe(41_000);
    const small = { ...timed, guest: { ...guest, memoryMib: 32 } };
    expect(trialTiming(small, "forwarding").detectionBoundMs).toBe(6000);
    const hang = {
      windowMs: 8000,
      progressRatio: 0.9,
      probeIntervalMs: 500,
      questionTimeoutMs: 9000,
    };
    expect(trialTiming({ ...timed, hang }, "migration").detectionBoundMs).toBe(9500);
  });

  test("never takes a phase that is silent by design for a hang", () => {
    const resting = { ...timed, phases: { ...phases, restMs: 90_000 } };
    expect(trialTiming(resting, "forwarding").detectionBoundMs).toBe(91_000);
  });

  test("gives a migration its deadline, margins and all phases", () => {
    expect(trialTiming(timed, "migration").measureTimeoutMs).toBe(
      900 + 4000 + 60_000 + 30_000 + 60_000,
    );
    // Its load, and that of the baseline after it.
    expect(trialTiming(timed, "forwarding").measureTimeoutMs).toBe(900 + 2000 + 2000 + 60_000);
  });
});
