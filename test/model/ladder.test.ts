import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mostSteps, nextStep, nothingPossible, rungs, triesPerRung } from "../../model/ladder.ts";
import type { LadderFacts, NextStep, RecoveryStep, StepReport } from "../../model/ladder.ts";

const all = ["A", "B", "C", "D", "R1", "R2"];
const kvm: LadderFacts = { migration: true, toolstack: false, rebootable: [], powered: all };
const xen: LadderFacts = { ...kvm, toolstack: true, rebootable: ["R1", "R2"] };
const forwarding: LadderFacts = { ...kvm, migration: false };

const report = (step: RecoveryStep, more: Partial<StepReport> = {}): StepReport => ({
  ...{ step, status: "verified", hosts: [], unreachable: [], suspects: [] },
  ...more,
});

/** Climbs until it ends; `answer` plays the hosts. */
function climbed(
  facts: LadderFacts,
  answer: (
    step: RecoveryStep,
    hosts: readonly string[],
    so: readonly StepReport[],
  ) => Partial<StepReport>,
) {
  const reports: StepReport[] = [];
  for (;;) {
    const next: NextStep = nextStep(facts, reports);
    if (next.kind !== "climb") return { reports, end: next };
    const { step, hosts } = next;
    reports.push(report(step, { hosts, ...answer(step, hosts, reports) }));
    if (reports.length > mostSteps) throw new Error("the ladder does not end");
  }
}
const steps = (reports: readonly StepReport[]) => reports.map(({ step }) => step).join(" ");
const failed = { status: "failed" } as const;

describe("the ladder", () => {
  test.each<[string, LadderFacts, RecoveryStep[], string, string]>([
    ["a migration that only had to be cancelled", kvm, [], "evidence cancel health", "cancel"],
    [
      "a forwarding trial has nothing to cancel",
      forwarding,
      [],
      "evidence destroy-both recreate health",
      "recreate",
    ],
    [
      "a cancel that leaves no sound router is followed by destroying both copies",
      kvm,
      ["cancel"],
      "evidence cancel destroy-both recreate health",
      "recreate",
    ],
  ])("%s", (_title, facts, failing, expected, by) => {
    const { reports, end } = climbed(facts, (step) => (failing.includes(step) ? failed : {}));
    expect(steps(reports)).toBe(expected);
    expect(end).toEqual({ kind: "recovered", by });
  });

  test("skips restart and reboot where the platform has no toolstack and no host declares reboot from inside", () => {
    const { reports, end } = climbed(kvm, (step) => (step === "health" ? failed : {}));
    const climbedSteps = reports.map(({ step }) => step);
    expect(climbedSteps).not.toContain("restart-toolstack");
    expect(climbedSteps).not.toContain("reboot");
    expect(climbedSteps.filter((step) => step === "power-cycle")).toHaveLength(1);
    expect(end).toEqual({ kind: "exhausted", hosts: ["R1", "R2"] });
  });

  test("climbs restart, reboot and power in this order, each followed by a new router and a health trial", () => {
    const { reports } = climbed(xen, (step) => (step === "health" ? failed : {}));
    const round = Array<string>(triesPerRung).fill("destroy-both recreate health").join(" ");
    expect(steps(reports)).toBe(
      `evidence cancel health ${round} restart-toolstack ${round} reboot ${round} power-cycle ${round} quarantine`,
    );
  });

  test.each(["A", "R2"])(
    "a repair of %s that fails without a word leaves the healthy hosts alone",
    (dead) => {
      const { reports, end } = climbed(kvm, (step) => {
        if (step === "power-cycle") return failed;
        return step === "health" || step === "destroy-both"
          ? { ...failed, unreachable: [dead] }
          : {};
      });
      const ordered = reports.filter(({ step }) => step === "power-cycle" || step === "quarantine");
      expect(ordered.map(({ hosts }) => hosts)).toEqual([[dead], [dead], [dead]]);
      expect(end).toEqual({ kind: "exhausted", hosts: [dead] });
    },
  );

  test("fences a host that does not answer by its power before anything is recreated", () => {
    let off = true;
    const { reports, end } = climbed(kvm, (step) => {
      if (step === "power-cycle") off = false;
      const silent = off && step !== "power-cycle";
      return silent ? { ...failed, unreachable: ["R2"] } : {};
    });
    expect(steps(reports)).toBe(
      "evidence cancel destroy-both power-cycle destroy-both recreate health",
    );
    expect(reports.find(({ step }) => step === "power-cycle")?.hosts).toEqual(["R2"]);
    expect(end).toEqual({ kind: "recovered", by: "power-cycle" });
  });

  test("a second host that falls silent later gets its own power cycle", () => {
    const cycled: string[] = [];
    const { reports } = climbed(forwarding, (step, hosts) => {
      if (step === "power-cycle") return (cycled.push(...hosts), {});
      const silent = ["A", "R2"].find((host) => !cycled.includes(host));
      return silent ? { ...failed, unreachable: [silent] } : {};
    });
    expect(cycled).toEqual(["A", "R2"]);
    expect(reports.at(-1)).toMatchObject({ step: "health", status: "verified" });
  });

  test("quarantines the host that cannot be helped, not the router's hosts", () => {
    const { end } = climbed({ ...nothingPossible }, (step) =>
      step === "quarantine" ? {} : { ...failed, unreachable: ["B"] },
    );
    expect(end).toEqual({ kind: "exhausted", hosts: ["B"] });
  });
});

const hostSet = fc.subarray(all);
const factsOf = fc.record({
  migration: fc.boolean(),
  toolstack: fc.boolean(),
  rebootable: hostSet,
  powered: hostSet,
});
const answers = fc.infiniteStream(
  fc.record({
    status: fc.constantFrom("verified" as const, "failed" as const),
    unreachable: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, hostSet),
    suspects: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, hostSet),
  }),
);
const whatever = (facts: LadderFacts, stream: Iterator<Partial<StepReport>>) =>
  climbed(facts, () => {
    const { value } = stream.next() as { value: Partial<StepReport> };
    return value;
  });

describe("whatever the hosts answer, the ladder", () => {
  const holds = (check: (facts: LadderFacts, climb: ReturnType<typeof whatever>) => void) =>
    fc.assert(
      fc.property(factsOf, answers, (facts, stream) => {
        check(facts, whatever(facts, stream));
      }),
      { numRuns: 2000 },
    );

  test("ends within its bound", () => {
    holds((_facts, { reports }) => {
      expect(reports.length).toBeLessThanOrEqual(mostSteps);
    });
  });

  test("recreates only right after both copies were proven destroyed", () => {
    holds((_facts, { reports }) => {
      for (const [index, { step }] of reports.entries())
        if (step === "recreate")
          expect(reports[index - 1]).toMatchObject({ step: "destroy-both", status: "verified" });
    });
  });

  test("calls nothing recovered without a health trial that met the baseline", () => {
    holds((_facts, { reports, end }) => {
      const healthy = reports.at(-1)?.step === "health" && reports.at(-1)?.status === "verified";
      expect(end.kind === "recovered").toBe(healthy);
      if (end.kind === "exhausted") expect(reports.at(-1)?.step).toBe("quarantine");
    });
  });

  test("never steps down from a repair to a lower one, and tries each at most twice", () => {
    holds((_facts, { reports }) => {
      const heights = reports
        .filter(({ step }) => ["restart-toolstack", "reboot", "power-cycle"].includes(step))
        .map(({ step }) => rungs.indexOf(step as (typeof rungs)[number]));
      expect(heights).toEqual(heights.toSorted((a, b) => a - b));
      for (const height of heights)
        expect(heights.filter((one) => one === height).length).toBeLessThanOrEqual(triesPerRung);
    });
  });

  test("reboots only hosts that declare it, and switches only power that is controlled", () => {
    holds((facts, { reports }) => {
      for (const { step, hosts } of reports) {
        if (step === "reboot") expect(facts.rebootable).toEqual(expect.arrayContaining([...hosts]));
        if (step === "power-cycle")
          expect(facts.powered).toEqual(expect.arrayContaining([...hosts]));
        if (step === "restart-toolstack") expect(facts.toolstack).toBe(true);
      }
    });
  });
});
