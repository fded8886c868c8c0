import { expect, test } from "vitest";
import type { CounterSeries } from "../../model/measurement.ts";
import { attemptOf, planted } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const clock = { host: "R1", offsetUs: 1.5e15 + 0.25, uncertaintyUs: 12.5 };

function seriesOf(device: string, samples: number): CounterSeries {
  const ramp = (factor: number) => Array.from({ length: samples }, (_, index) => index * factor);
  return {
    ...{ host: "R1", device, ifindex: 3 },
    accuracy: {
      ...{ intervalMs: 10, p50Ms: 10.01, p99Ms: 11.5, maxMs: 14, missedTicks: 1, readP99Us: 40 },
    },
    ...{ beforeUs: ramp(10_000.125), afterUs: ramp(10_000.5) },
    ...{ rxFrames: ramp(3), rxBytes: ramp(2 ** 40), rxDropped: ramp(0) },
    ...{ txFrames: ramp(2), txBytes: ramp(128), txDropped: ramp(1) },
  };
}

/** CPU time of this thread between two turns of its event loop; other processes that have the CPU do not count. */
function longestHoldUp() {
  const spentMs = () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = spentMs();
  let longestMs = 0;
  const look = () => {
    const now = spentMs();
    longestMs = Math.max(longestMs, now - before);
    before = now;
  };
  const ticks = setInterval(look, 5);
  /** Ends it. @returns the longest */
  return () => {
    clearInterval(ticks);
    look();
    return longestMs;
  };
}

test("series come back as they were written, also from a device with an odd name", async () => {
  const plan = await planted(postgres.store, "round-trip");
  const ref = attemptOf(plan, 0, 1, 1);
  await postgres.store.openAttempt(ref);
  const series = [seriesOf("br\t0\\x", 5), seriesOf("eth1", 0), seriesOf("eth0", 3)];
  await postgres.store.putSeries(ref, [{ clock, series }]);
  const stored = await postgres.store.series(ref.trialId, 1);
  const expected = ["br\t0\\x", "eth0", "eth1"].map((device) => ({
    ...series.find((one) => one.device === device),
    ...{ trial: ref.trialId, attempt: 1, clock },
  }));
  expect(stored).toEqual(expected);
});

test("series written again, in parts or at the same time, are there once", async () => {
  const plan = await planted(postgres.store, "again");
  const ref = attemptOf(plan, 0, 1, 2);
  await postgres.store.openAttempt(ref);
  const [one, two] = [seriesOf("eth0", 4), seriesOf("eth1", 4)];
  await postgres.store.putSeries(ref, [{ clock, series: [one] }]);
  await Promise.all([
    postgres.store.putSeries(ref, [{ clock, series: [one, two] }]),
    postgres.store.putSeries(ref, [{ clock, series: [two, two] }]),
  ]);
  const stored = await postgres.store.series(ref.trialId, 1);
  expect(stored.map(({ device }) => device)).toEqual(["eth0", "eth1"]);
});

test("series of an attempt that was never opened are refused by name", async () => {
  const plan = await planted(postgres.store, "unopened");
  const ref = attemptOf(plan, 0, 4, 9);
  await expect(
    postgres.store.putSeries(ref, [{ clock, series: [seriesOf("eth0", 2)] }]),
  ).rejects.toThrow(
    `series: ${ref.trialId}: attempt 4 is not open under token 9: nothing was stored`,
  );
});

test("writing a minute of every interface's series holds up the event loop for less than a sampler's heartbeat", async () => {
  const plan = await planted(postgres.store, "large");
  const ref = attemptOf(plan, 0, 1, 3);
  await postgres.store.openAttempt(ref);
  const series = Array.from({ length: 24 }, (_, index) => seriesOf(`eth${index}`, 6000));
  const end = longestHoldUp();
  await postgres.store.putSeries(ref, [{ clock, series }]);
  const heldUpMs = end();
  console.info(`event loop: held up for ${heldUpMs.toFixed(1)} ms of CPU time at most`);
  expect(heldUpMs).toBeLessThan(500);
  const stored = await postgres.store.series(ref.trialId, 1);
  expect(stored.map((one) => one.txDropped.length)).toEqual(Array(24).fill(6000));
});

test("stamps of every frame of a long load come back in order and are there once", async () => {
  const plan = await planted(postgres.store, "arrivals");
  const ref = attemptOf(plan, 0, 1, 4);
  await postgres.store.openAttempt(ref);
  expect(await postgres.store.arrivals(ref.trialId, 1)).toBeNull();
  const frames = 250_001;
  const raw = {
    arrivalUs: Array.from({ length: frames }, (_, index) => 1e9 + index * 10),
    sequence: Array.from({ length: frames }, (_, index) => index % 65_536),
  };
  await Promise.all([
    postgres.store.putArrivals(ref, "B", raw),
    postgres.store.putArrivals(ref, "B", raw),
  ]);
  expect(await postgres.store.arrivals(ref.trialId, 1)).toEqual(raw);
  await postgres.store.deleteCampaign(plan.id);
  expect(await postgres.store.arrivals(ref.trialId, 1)).toBeNull();
});
