/** The short chaos campaign: `npm run bench:chaos` is the long one, with other seeds and as many strikes as one likes. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { violations } from "../../bench/chaos/checks.ts";
import { drawChaos } from "../../bench/chaos/draw.ts";
import { runChaos } from "../../bench/chaos/run.ts";
import { summary } from "../../bench/chaos/summary.ts";

/** Of those that kill everything at one moment, a part of it at another, and make four kinds of faults. */
const seed = 2502;

test("kills and faults at random moments lose no trial, double none and leave nothing behind", async () => {
  const folder = join(import.meta.dirname, "../../.longhaul/test/e2e-chaos");
  const chaos = drawChaos(seed, { trials: 6, kills: 2, faults: 4 });
  const blows = chaos.strikes.map(({ blow }) => blow);
  const victims = blows.flatMap((blow) => (blow.kind === "kill" ? blow.victims : []));
  expect(new Set(victims).size).toBe(5);
  const outside = blows.flatMap((blow) => (blow.kind === "fault" ? [blow.order.fault] : []));
  expect(new Set([...outside, ...chaos.trialFaults.map(({ fault }) => fault)]).size).toBe(4);
  const said: string[] = [];
  const { campaign, record, elapsedMs } = await runChaos(folder, chaos, {
    deadlineMs: 300_000,
    log: (line) => said.push(line),
  });
  const found = violations(record, campaign);
  // Only a failure is printed: what fell, when, and all that was found.
  expect(found, [...said, ...summary(record, campaign, elapsedMs)].join("\n")).toEqual([]);
  expect(record.struck).toHaveLength(chaos.strikes.length);
}, 400_000);
