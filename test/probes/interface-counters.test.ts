import fc from "fast-check";
import { expect, test } from "vitest";
import { cpuRatios } from "../../probes/host-load.ts";
import { samplerAccuracy } from "../../probes/counter-series.ts";
import { parseProcNetDev, parseStatsDump } from "../../probes/interface-counters.ts";

const counter = fc.maxSafeNat();
const device = fc.stringMatching(/^[a-z][a-z0-9._-]{0,14}$/);
const sample = fc.record({
  device,
  ifindex: fc.integer({ min: 1, max: 0x7fffffff }),
  rxFrames: counter,
  rxBytes: counter,
  rxDropped: fc.nat(2 ** 40),
  txFrames: counter,
  txBytes: counter,
  txDropped: counter,
});
const samples = fc
  .uniqueArray(sample, { selector: (one) => one.device })
  .filter((all) => new Set(all.map((one) => one.ifindex)).size === all.length);
const namesOf = (all: readonly { ifindex: number; device: string }[]) =>
  new Map(all.map((one) => [one.ifindex, one.device]));

test("/proc/net/dev is read back, with or without a space behind the colon", () => {
  fc.assert(
    fc.property(samples, fc.boolean(), (all, space) => {
      const lines = all.map((one) =>
        [
          `${one.device.padStart(6)}:${space ? " " : ""}${one.rxBytes}`,
          one.rxFrames,
          ...[1, one.rxDropped, 2, 3, 4, 5],
          ...[one.txBytes, one.txFrames, 6, one.txDropped, 7, 8, 9, 10],
        ].join(" "),
      );
      const text = ["Inter-|   Receive", " face |bytes", ...lines, ""].join("\n");
      expect(parseProcNetDev(Buffer.from(text), namesOf(all))).toEqual(all);
    }),
  );
});

test("a stats dump is read back, counters of 53 bits whole, missed frames among the dropped", () => {
  fc.assert(
    fc.property(samples, fc.nat(1_000), (all, missed) => {
      const messages = all.map((one) => {
        const bytes = Buffer.alloc(16 + 12 + 4 + 200);
        bytes.writeUInt32LE(bytes.length, 0);
        bytes.writeUInt16LE(92, 4);
        bytes.writeUInt32LE(one.ifindex, 20);
        bytes.writeUInt16LE(204, 28);
        bytes.writeUInt16LE(1, 30);
        const at = {
          0: one.rxFrames,
          1: one.txFrames,
          2: one.rxBytes,
          3: one.txBytes,
          6: one.rxDropped,
          7: one.txDropped,
          15: missed,
        };
        for (const [index, value] of Object.entries(at)) {
          bytes.writeBigUInt64LE(BigInt(value), 32 + Number(index) * 8);
        }
        return bytes;
      });
      const done = Buffer.alloc(20);
      done.writeUInt32LE(20, 0);
      done.writeUInt16LE(3, 4);
      const expected = all.map((one) => ({ ...one, rxDropped: one.rxDropped + missed }));
      expect(parseStatsDump(Buffer.concat([...messages, done]), namesOf(all))).toEqual(expected);
    }),
  );
});

test("the accuracy of a sampler is in its intervals and in the width of its clock bracket", () => {
  const before = [0, 10_000, 20_000, 40_000, 54_000];
  const after = [50, 10_040, 20_060, 40_900, 54_030];
  expect(samplerAccuracy(10, before, after)).toEqual({
    intervalMs: 10,
    p50Ms: 10,
    p99Ms: 20,
    maxMs: 20,
    missedTicks: 1,
    readP99Us: 900,
  });
  expect(samplerAccuracy(10, [], [])).toMatchObject({ p50Ms: 0, maxMs: 0, readP99Us: 0 });
});

test("the shares of a CPU's time sum to one", () => {
  const ticks = fc.array(fc.nat(1e9), { minLength: 8, maxLength: 10 });
  fc.assert(
    fc.property(ticks, ticks, (begun, spent) => {
      const ended = begun.map((ticksBefore, kind) => ticksBefore + (spent[kind] ?? 0));
      const shares = Object.values(cpuRatios(begun, ended));
      expect(shares.reduce((sum, one) => sum + one, 0)).toBeCloseTo(1, 9);
      expect(Math.min(...shares)).toBeGreaterThanOrEqual(0);
    }),
  );
  expect(cpuRatios([0, 0, 0, 0, 0, 0, 0, 0], [10, 10, 20, 30, 10, 10, 5, 5])).toEqual({
    userRatio: 0.2,
    systemRatio: 0.3,
    softirqRatio: 0.05,
    stealRatio: 0.05,
    idleRatio: 0.4,
  });
});
