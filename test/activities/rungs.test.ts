import { describe, expect, test } from "vitest";
import { NoExitStatus } from "../../remote/shell.ts";
import { agentWith, scriptedRungs } from "./scripted-rungs.ts";

const broken = () => Promise.reject(new Error("units: no space left on device"));
/** R2's agent answers, and with an error. */
const ailing = (verb: "raise" | "units") => ({
  agent: (host: string, agent: Parameters<typeof agentWith>[0]) =>
    host === "R2" ? agentWith(agent, { [verb]: broken }) : agent,
});
/** Booted since the attempt was prepared. */
const booted = { bootIds: { R1: "other-R1", R2: "other-R2", A: "other-A" } };

describe("a rung that fails at one host", () => {
  test("blames that host alone where its power cannot be cycled, and cycles the others", async () => {
    const cycled: string[] = [];
    const { climb } = scriptedRungs({
      ...booted,
      power: {
        cycle: async (host) => {
          if (host === "R2") throw new Error("no such controller");
          cycled.push(host);
        },
      },
    });
    const { report, words } = await climb("powerCycleHosts", "power-cycle", ["R2", "R1"]);
    expect(report).toMatchObject({ status: "failed", suspects: ["R2"], unreachable: [] });
    expect(words).toBe("R2: no such controller");
    expect(cycled).toEqual(["R1"]);
  });

  test.each([
    ["destroyBothCopies", "destroy-both"],
    ["recreateRouter", "recreate"],
    ["healthTrial", "health"],
  ] as const)("%s names a host whose agent answers with an error", async (act, step) => {
    const { climb } = scriptedRungs(ailing("raise"));
    const { report, words } = await climb(act, step, ["R1", "R2"]);
    expect(report).toMatchObject({ status: "failed", suspects: ["R2"], unreachable: [] });
    expect(words).toContain("R2: units: no space left on device");
  });

  test("evidence that a host refuses is evidence against it, and the others are asked all the same", async () => {
    const { climb, stored } = scriptedRungs(ailing("units"));
    const { report, facts } = await climb("collectEvidence", "evidence");
    expect(report).toMatchObject({ status: "verified", suspects: ["R2"], unreachable: [] });
    expect(facts?.powered).toContain("R2");
    expect(stored.events.at(-1)?.content).toMatchObject({ step: "evidence" });
  });

  test("a testbed whose evidence fails as a whole still has the rungs that it declares", async () => {
    const { climb } = scriptedRungs({
      agent: () => {
        throw new Error("no route");
      },
    });
    const { facts } = await climb("collectEvidence", "evidence");
    expect(facts?.powered).toEqual(["A", "B", "C", "D", "R1", "R2"]);
  });

  test("a router that cannot be created is R1's fault", async () => {
    const { climb, deps } = scriptedRungs({ routers: {} });
    const bench = await deps.bench("bench");
    Object.assign(bench.drivers.kvm ?? {}, {
      create: () => Promise.reject(new NoExitStatus("R1: no answer within 5 s")),
    });
    const { report } = await climb("recreateRouter", "recreate", ["R1"]);
    expect(report).toMatchObject({ status: "failed", suspects: ["R1"] });
  });
});
