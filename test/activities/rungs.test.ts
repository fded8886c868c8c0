import { describe, expect, test } from "vitest";
import { livingRungs } from "../../activities/index.ts";
import { recoveryActs } from "../../activities/recovery/acts.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { StoreUnavailable } from "../../store/store.ts";
import { rungRows } from "../../report/recoveries.ts";
import { ref } from "./scripted-facts.ts";
import { agentWith, scriptedRungs } from "./scripted-rungs.ts";

const broken = () => Promise.reject(new Error("units: no space left on device"));
/** R2's agent answers, and with an error. */
const ailing = (verb: "raise" | "units") => ({
  agent: (host: string, agent: Parameters<typeof agentWith>[0]) =>
    host === "R2" ? agentWith(agent, { [verb]: broken }) : agent,
});
/** Hosts of which each power cycle is another boot. */
function cycling() {
  const bootIds: Record<string, string> = {};
  const cycled: string[] = [];
  const cycle = async (host: string) => {
    cycled.push(`${host} off`);
    await new Promise((resolve) => setImmediate(resolve));
    bootIds[host] = `boot ${cycled.length} of ${host}`;
    cycled.push(`${host} on`);
  };
  return { bootIds, cycled, cycle };
}

describe("a rung that fails at one host", () => {
  test("blames that host alone where its power cannot be cycled, and cycles the others", async () => {
    const { bootIds, cycled, cycle } = cycling();
    const { climb } = scriptedRungs({
      bootIds,
      power: {
        cycle: async (host) => {
          if (host === "R2") throw new Error("no such controller");
          await cycle(host);
        },
      },
    });
    const { report, words } = await climb("powerCycleHosts", "power-cycle", ["R2", "R1"]);
    expect(report).toMatchObject({ status: "failed", suspects: ["R2"], unreachable: [] });
    expect(words).toBe("R2: no such controller");
    expect(cycled).toEqual(["R1 off", "R1 on"]);
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

describe("a power cycle that is run again under its token", () => {
  test("waits until the run that Temporal gave up has ended, and does not switch what that one has switched", async () => {
    const { bootIds, cycled, cycle } = cycling();
    const { climb, deps } = scriptedRungs({ bootIds, power: { cycle } });
    const living = livingRungs(deps);
    const run = () => climb("powerCycleHosts", "power-cycle", ["R1", "R2"], living);
    const [first, again] = await Promise.all([run(), run()]);
    expect(cycled).toEqual(["R1 off", "R1 on", "R2 off", "R2 on"]);
    expect(first.report.status).toBe("verified");
    expect(again).toMatchObject({ report: { status: "verified" } });
    expect(again.words).toContain("R1 by an earlier run of this rung");
  });

  test("because its end could not be stored cycles nothing again", async () => {
    const { bootIds, cycled, cycle } = cycling();
    let isAway = true;
    const { climb, stored } = scriptedRungs({
      bootIds,
      power: { cycle },
      store: {
        putEvent: async (event) => {
          if (event.kind === "rung" && isAway) throw new StoreUnavailable("the store is away");
          stored.events.push(event);
        },
      },
    });
    const run = () => climb("powerCycleHosts", "power-cycle", ["R1"]);
    await expect(run()).rejects.toThrow(StoreUnavailable);
    isAway = false;
    expect(await run()).toMatchObject({ report: { status: "verified" } });
    expect(cycled).toEqual(["R1 off", "R1 on"]);
  });

  test("that did nothing is found out, though the host was booted since the attempt was prepared", async () => {
    const { climb } = scriptedRungs({
      bootIds: { R1: "another boot than the attempt's" },
      power: { state: async () => "off" },
    });
    const { report, words } = await climb("powerCycleHosts", "power-cycle", ["R1"]);
    expect(report).toMatchObject({ status: "failed", suspects: ["R1"] });
    expect(words).toBe("R1: its power reads off after a cycle");
  });
});

test("a rung that Temporal gave up is stored as a failed one, with its time", async () => {
  const { deps, stored } = scriptedRungs();
  const order = { ref, id: "r", why: "a test", step: "evidence", hosts: [] } as const;
  const startedAt = new Date(Date.now() - 120_000).toISOString();
  const failed = { ...order, startedAt, words: "it timed out" };
  const { report, facts } = await recoveryActs(deps).failedRung(failed);
  expect(report).toMatchObject({ step: "evidence", status: "failed" });
  expect(facts?.powered).toContain("R1");
  expect(rungRows(stored.events)).toMatchObject([{ step: "evidence", words: "it timed out" }]);
  expect(rungRows(stored.events)[0]?.durationMs).toBeGreaterThanOrEqual(120_000);
});

describe("a host that was power-cycled too often", () => {
  const powerCycles = [
    { host: "R1", cycles: 6 },
    { host: "R2", cycles: 5 },
  ];

  test("is not cycled again", async () => {
    const { climb } = scriptedRungs({ powerCycles });
    const { facts } = await climb("collectEvidence", "evidence");
    expect(facts?.powered).toEqual(["A", "B", "C", "D", "R2"]);
  });

  test("may be cycled more often where the campaign says so", async () => {
    const campaign = { powerCycles: { most: 7, withinHours: 24 } };
    const { climb } = scriptedRungs({ powerCycles, campaign });
    const { facts } = await climb("collectEvidence", "evidence");
    expect(facts?.powered).toContain("R1");
  });
});
