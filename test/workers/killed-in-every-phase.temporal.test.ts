/** Workers are killed (SIGKILL) within each act of a trial and of its recovery; another goes on. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { RecoveryActs, TrialActs } from "../../workflows/acts.ts";
import { freshId, worker } from "../workflows/run.ts";
import type { Bench } from "../workflows/run.ts";
import { inOrder, scripted } from "../workflows/scripted.ts";
import { scriptedRecovery } from "../workflows/scripted-recovery.ts";
import { temporalServer } from "../workflows/server.ts";
import { killedPlan, killedWithin } from "./killed-plan.ts";

type Handle = Awaited<ReturnType<typeof killedWithin>>[number];
let bench: Bench;
const killed = new Map<string, { campaignId: string; handle: Handle }>();
beforeAll(async () => {
  bench = await temporalServer();
  const stuck = phases.map(({ act }) => ({ campaignId: freshId(), act }));
  const handles = await killedWithin(bench, stuck);
  for (const [index, handle] of handles.entries()) {
    const { act, campaignId } = stuck[index] ?? { act: "", campaignId: "" };
    killed.set(act, { campaignId, handle });
  }
});
afterAll(() => bench.environment.teardown());

interface Phase {
  readonly act: keyof TrialActs | keyof RecoveryActs;
  /** What the store knows of the first trial when the worker is killed. */
  readonly left: "nothing" | "open" | "judged";
  /** The acts on the first trial that the next worker runs, in order. */
  readonly then: readonly string[];
  /** Rungs that it climbs, with the number of their tokens. */
  readonly rungs?: readonly (readonly [string, number])[];
}
const whole = ["prepare#1", "measure#1", "locate#1", "judge#1", "restore#1"];
const wholeAgain = whole.map((one) => one.replace("1", "2"));
/** What follows a repair of hosts, which the fifth token is for. */
const repaired = (repair: string): readonly (readonly [string, number])[] => [
  [repair, 5],
  ["destroy-both", 6],
  ["recreate", 7],
  ["health", 8],
];
const phases: readonly Phase[] = [
  // First those that take longest: the store's own acts have no heartbeat.
  {
    act: "rejectAttempt",
    left: "open",
    then: ["rejectAttempt#1", "restore#1", ...wholeAgain],
  },
  { act: "closeRecovery", left: "judged", then: [], rungs: [] },
  { act: "prepare", left: "nothing", then: whole },
  // Its heartbeat says that it is gone; nothing of it is on the hosts, so that another attempt follows.
  {
    act: "measure",
    left: "open",
    then: ["collect#1", "rejectAttempt#1", "restore#1", ...wholeAgain],
  },
  {
    act: "collect",
    left: "open",
    then: ["collect#1", "rejectAttempt#1", "restore#1", ...wholeAgain],
  },
  { act: "locate", left: "open", then: ["locate#1", "judge#1", "restore#1"] },
  { act: "judge", left: "open", then: ["judge#1", "restore#1"] },
  { act: "restore", left: "judged", then: ["restore#1"] },
  {
    act: "collectEvidence",
    left: "judged",
    then: [],
    rungs: [
      ["evidence", 2],
      ["destroy-both", 3],
      ["recreate", 4],
      ["health", 5],
    ],
  },
  {
    act: "cancelMigration",
    left: "judged",
    then: [],
    rungs: [
      ["cancel", 3],
      ["health", 4],
    ],
  },
  {
    act: "destroyBothCopies",
    left: "judged",
    then: [],
    rungs: [
      ["destroy-both", 3],
      ["recreate", 4],
      ["health", 5],
    ],
  },
  {
    act: "recreateRouter",
    left: "judged",
    then: [],
    rungs: [
      ["recreate", 4],
      ["health", 5],
    ],
  },
  { act: "healthTrial", left: "judged", then: [], rungs: [["health", 5]] },
  { act: "restartToolstack", left: "judged", then: [], rungs: repaired("restart-toolstack") },
  { act: "rebootHosts", left: "judged", then: [], rungs: repaired("reboot") },
  { act: "powerCycleHosts", left: "judged", then: [], rungs: repaired("power-cycle") },
  // Only R2 was given up; the trial after it does without, on a router that the ladder makes anew.
  {
    act: "quarantineHosts",
    left: "judged",
    then: [],
    rungs: [
      ["quarantine", 5],
      ["evidence", 6],
      ["destroy-both", 7],
      ["recreate", 8],
      ["health", 9],
    ],
  },
];

test.concurrent.each(phases)(
  "a worker killed within $act is followed by another, which goes on there, and every trial has one verdict",
  async ({ act, left, then, rungs = [] }) => {
    const campaign = killed.get(act);
    if (campaign === undefined) throw new Error(`no campaign was killed within ${act}`);
    const { campaignId, handle } = campaign;
    const plan = killedPlan(campaignId);
    const [first] = plan;
    if (first === undefined) throw new Error("an empty plan");
    const verdict = left === "judged" ? ("valid" as const) : null;
    if (left !== "nothing")
      first.attempts.push({ attempt: 1, token: 1_000_001, verdict, cut: false, reason: null });
    if (left !== "nothing") first.state = left === "judged" ? "valid" : "running";
    if (left === "judged") first.verdicts = 1;
    const next = scripted(plan);
    const recovery = scriptedRecovery();
    const running = await worker(bench, { ...next.activities, ...recovery.acts }, campaignId);
    expect(await running.runUntil(handle.result())).toMatchObject({ status: "completed" });

    const own = inOrder(next.calls.filter((call) => / 1#\d$/.test(call)));
    expect(own.map((call) => call.replace(" 1#", "#"))).toEqual(then);
    expect(recovery.orders.map(({ step, ref }) => [step, ref.token - 1_000_000])).toEqual(rungs);
    expect(plan.map(({ state, verdicts }) => [state, verdicts])).toEqual([
      ["valid", 1],
      ["valid", 1],
    ]);
    const tokens = plan.flatMap(({ attempts }) => attempts.map(({ token }) => token));
    expect(tokens).toEqual([...new Set(tokens)].toSorted((one, other) => one - other));
  },
  240_000,
);
