/** One test for each fault: its trial came to what it must, was recovered from, and the next one is whole. */
import { randomBytes } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { brokeByItself } from "../../bench/broken-by-itself.ts";
import type { TrialKind } from "../../model/trial.ts";
import { ownBench } from "./own-bench.ts";
import type { FaultCase } from "./fault-cases.ts";
import {
  faultedCampaign,
  leftOnLab,
  mostCases,
  tableOf,
  type FaultLimits,
  type FaultRow,
} from "./faulted-campaign.ts";

export function faultSuite(
  name: string,
  parts: Readonly<Partial<Record<TrialKind, readonly FaultCase[]>>>,
  limits: FaultLimits = { attemptLimit: 2, windowMs: 4000 },
): void {
  const bench = ownBench(name);
  const suffix = randomBytes(3).toString("hex");
  const table: FaultRow[] = [];

  // What an earlier run left there, should it have been killed: an open campaign would hold the testbed.
  beforeAll(async () => {
    await bench.longhaul("down");
    for (const entry of readdirSync(bench.state.path))
      rmSync(join(bench.state.path, entry), { recursive: true });
  }, 60_000);
  afterAll(async () => {
    console.log(tableOf(bench, "faults", table));
    await bench.longhaul("down");
    expect(bench.left()).toEqual([]);
  }, 60_000);

  const campaigns = (["forwarding", "migration"] as const).flatMap((kind) =>
    inLots(parts[kind] ?? [], mostCases(kind)).map((cases) => ({ kind, cases })),
  );
  for (const [number, { kind, cases }] of campaigns.entries())
    describe(`a ${kind} trial under a fault`, () => {
      let campaign: Awaited<ReturnType<typeof faultedCampaign>> | undefined;
      const begun = () => {
        if (campaign === undefined) throw new Error("the campaign was not begun");
        return campaign;
      };
      beforeAll(async () => {
        campaign = await faultedCampaign(bench, {
          id: `${kind}-${number}-${suffix}`,
          kind,
          cases,
          limits,
        });
      }, 240_000);
      afterAll(async () => {
        if (campaign === undefined) return;
        table.push(...campaign.rows());
        await campaign.close();
        // Only one that did not come to its end: the next needs the testbed.
        await bench.longhaul("cancel", campaign.id);
      });

      test.each(cases.map((one, index) => ({ ...one, index })))(
        "$what",
        async ({ index, fault, comesTo, rung }) => {
          const { trial, next, nextEvents, events, ledger, recoveries, row } =
            await begun().result(index);
          const told = JSON.stringify({ trial, recoveries }, null, 1);
          // A migration that was completed may have broken its guest.
          if (comesTo === "completed" && brokeByItself(trial.outcome, events)) return;
          const valid = typeof comesTo === "string";
          expect(trial, told).toMatchObject({
            state: valid ? "valid" : "invalid",
            outcome: valid ? comesTo : null,
          });
          if (!valid) expect(trial.reason).toMatch(comesTo);
          // Made in every attempt, and stored with it.
          const made = events.filter(({ kind: is }) => is === "fault");
          expect(made.map(({ attempt, content }) => [attempt, content.fault])).toEqual(
            Array.from({ length: trial.attempts }, (_, one) => [one + 1, fault.fault]),
          );
          // Every frame that was sent stands somewhere.
          const frames = (of: string) => ledger.find(({ place }) => place === of)?.frames ?? NaN;
          const outsideTheSum = ["sent", "received", "not-of-the-flow"];
          const rest = ledger.filter(({ place }) => !outsideTheSum.includes(place));
          if (valid)
            expect(frames("sent")).toBe(
              frames("received") + rest.reduce((sum, one) => sum + one.frames, 0),
            );
          if (valid && comesTo !== "completed") {
            expect(trial.attempts).toBe(1);
            expect(events.some(({ kind: is }) => is === "evidence")).toBe(true);
          }
          // A baseline that is not met is measured, not watched for.
          if (valid && comesTo !== "completed" && comesTo !== "degraded") {
            expect(row.detectionMs).not.toBeNull();
            // A look on a busy machine takes its time.
            expect(row.detectionMs).toBeLessThan((row.detectionBoundMs ?? NaN) + 1500);
          }
          expect({ rung: row.rung, of: recoveries.length }, told).toEqual({
            rung,
            of: rung === null ? 0 : trial.attempts,
          });
          for (const { outcome } of recoveries) expect(outcome).toBe("recovered");
          expect(next, JSON.stringify(next)).toMatchObject({
            state: "valid",
            results: { afterRecovery: rung !== null },
          });
          if (!brokeByItself(next.outcome, nextEvents))
            expect(next.outcome, JSON.stringify(next)).toBe("completed");
        },
        270_000,
      );

      test("its campaign ends with a verdict for every trial, and nothing is left on any host", async () => {
        const { planned, verdicts, pending, running } = await begun().end();
        expect({ planned, pending, running }).toEqual({
          planned: 2 * cases.length,
          pending: 0,
          running: 0,
        });
        const { valid, invalid, skipped } = verdicts;
        expect((valid ?? 0) + (invalid ?? 0) + (skipped ?? 0)).toBe(planned);
        expect(invalid).toBe(cases.filter(({ comesTo }) => typeof comesTo !== "string").length);
        expect(await leftOnLab(bench)).toEqual([]);
      }, 60_000);
    });
}

function inLots<Item>(items: readonly Item[], most: number): (readonly Item[])[] {
  return items.length === 0
    ? []
    : [items.slice(0, most), ...inLots(items.slice(most, Infinity), most)];
}
