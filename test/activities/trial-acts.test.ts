import { describe, expect, test } from "vitest";
import { locate } from "../../activities/locate.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { GuestState } from "../../model/guest.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { quietActivity } from "./quiet-activity.ts";
import { before, collect, prepare, restore } from "./scripted-acts.ts";
import type { Script } from "./scripted-bench.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";

describe("with R2 in quarantine", () => {
  const quarantined = ["R2"];

  test("a forwarding trial is prepared, restored and collected on the other five hosts alone", async () => {
    const { journal } = await prepare({ quarantined });
    expect(journal.filter((line) => line.startsWith("raise")).sort()).toEqual([
      ...["raise A", "raise B", "raise C", "raise D", "raise R1"],
    ]);
    expect(journal).toContain("provenance stored");
    const { journal: restored } = await restore({ quarantined, units: { ...probes } });
    before(restored, "load is stopped", "stop sink on B");
    const { result, stored } = await collect({
      quarantined,
      events: [begun],
      units: { ...probes, [unit("load")]: "ended" },
    });
    expect(result).toEqual({ status: "measured" });
    expect(stored.measurement?.absentHosts).toEqual(["R2"]);
  });

  test("a migration asks it all the same, and fails for it", async () => {
    const migration: Script = { kind: "migration", direction: "R1toR2", quarantined };
    await expect(prepare(migration)).rejects.toThrow("R2: was asked in quarantine");
  });
});

const begun = {
  key: "c-1/b01/t#1 load begins",
  ...{ testbed: "bench", campaign: "c-1", trial: ref.trialId, attempt: 1, host: null },
  ...{ kind: "load-begins", at: "2026-01-01T00:00:00Z" },
  content: {
    path: { points: [{ place: "p", host: "R1", device: "eth-a", counter: "rxFrames" }], drops: [] },
    ...{ clocks: [], before: [], phases: [{ name: "load", atUs: 1 }] },
  },
};
const unit = (what: string) => `c-1.b01.t.a1.${what}`;
const probes = Object.fromEntries(
  ["counters", "sink", "rtt", "host-load"].map((what) => [unit(what), "running" as const]),
);

describe("collect", () => {
  test("finds nothing when the load never began", async () => {
    const { result, journal } = await collect({});
    expect(result).toEqual({ status: "nothing" });
    expect(journal).toEqual([]);
  });

  test("takes home what finished on the hosts, counters after the load included", async () => {
    const { result, journal, stored } = await collect({
      events: [begun],
      units: { ...probes, [unit("load")]: "ended" },
    });
    expect(result).toEqual({ status: "measured" });
    before(journal, "counters R1", "measurement stored");
    expect(stored.measurement?.phases.map(({ name }) => name)).toEqual([
      "load",
      "drain",
      "collect",
    ]);
  });

  test("looks only once: a stored measurement is enough", async () => {
    const first = await collect({
      events: [begun],
      units: { ...probes, [unit("load")]: "ended" },
    });
    const { result, journal } = await collect({ measurement: first.stored.measurement });
    expect(result).toEqual({ status: "measured" });
    expect(journal).toEqual([]);
  });

  test.each([
    ["its load was stopped before its end", { units: { ...probes, [unit("load")]: "stopped" } }],
    ["its load was killed at its deadline", { units: { ...probes, [unit("load")]: "deadline" } }],
    [
      "its sink was lost",
      { units: { ...probes, [unit("sink")]: "lost", [unit("load")]: "ended" } },
    ],
    [
      "a host was booted since",
      { units: { ...probes, [unit("load")]: "ended" }, bootIds: { R1: "another" } },
    ],
  ] satisfies [string, Script][])("finds nothing when %s", async (_why, script) => {
    const { result, stored } = await collect({ events: [begun], ...script });
    expect(result).toMatchObject({ status: "nothing" });
    expect(stored.measurement).toBeNull();
  });

  const finished = { events: [begun], units: { ...probes, [unit("load")]: "ended" as const } };

  test("says which host was booted, or has no power", async () => {
    const booted = await collect({ ...finished, bootIds: { R1: "another" } });
    expect(booted.result).toEqual({ status: "nothing", why: "R1 was booted meanwhile" });
    const off = await collect({ ...finished, silent: { R2: "off" } });
    expect(off.result).toEqual({ status: "nothing", why: "R2 has lost its power" });
  });

  test("asks again for a host that has power and does not answer", async () => {
    await expect(collect({ ...finished, silent: { R2: "on" } })).rejects.toThrow("R2: silent");
  });

  test("takes nothing home of a trial whose fault was never made", async () => {
    const planned = { fault: "link-cut", when: "load", afterMs: 0, forMs: null, host: null };
    const none = { link: null, mbps: null, lossRatio: null, mib: null };
    const script = {
      ...finished,
      campaign: { faults: [{ ...planned, ...none, trials: {} }] as unknown as Campaign["faults"] },
      fault: "link-cut-at-load",
    };
    const { result } = await collect(script);
    expect(result).toEqual({ status: "nothing", why: "the trial's fault was not made" });
    const made = {
      ...begun,
      key: `${ref.trialId}#1/fault`,
      kind: "fault",
      content: { fault: "link-cut" },
    };
    const after = await collect({ ...script, events: [begun, made] });
    expect(after.result).toEqual({ status: "measured" });
  });

  test("a migration is looked up in its unit's report, never ordered again", async () => {
    const script: Script = {
      kind: "migration",
      direction: "R1toR2",
      events: [begun],
      units: { ...probes, [unit("load")]: "ended", [unit("migration")]: "ended" },
    };
    const { result, journal, stored } = await collect(script);
    expect(result).toEqual({ status: "measured" });
    expect(journal).not.toContain("migrate");
    expect(stored.measurement?.kind).toBe("migration");
    const without = await collect({ ...script, reported: false });
    expect(without.result).toEqual({ status: "nothing" });
  });
});

describe("restore", () => {
  test("is tried once where a host has no power, and says so", async () => {
    const failed = restore({ silent: { R1: "off" } });
    await expect(failed).rejects.toMatchObject({ type: "NoExitStatus", nonRetryable: true });
    await expect(failed).rejects.toThrow(/^R1: without power: /);
  });

  test("ends the load and every unit of the attempt, and leaves the router where it runs", async () => {
    const { journal } = await restore({
      units: { ...probes, "other.b02.t.a1.sink": "running" },
    });
    before(journal, "load is stopped", "stop sink on B");
    expect(journal).not.toContain("stop other.b02.t.a1.sink on B");
    expect(journal.filter((line) => line.startsWith("destroy"))).toEqual([]);
  });

  test.each([
    [
      "a completed one is released at its source",
      { "kvm@R1": "stopped", "kvm@R2": "running" },
      ["release"],
    ],
    [
      "a failed one loses its destination",
      { "kvm@R1": "running", "kvm@R2": "incoming" },
      ["destroy kvm@R2"],
    ],
    [
      "one that runs on both hosts loses both",
      { "kvm@R1": "running", "kvm@R2": "running" },
      ["destroy kvm@R1", "destroy kvm@R2"],
    ],
    ["one that is nowhere leaves nothing behind", { "kvm@R1": "paused" }, ["destroy kvm@R1"]],
  ] satisfies [string, Script["routers"] & object, string[]][])(
    "of migrations, %s",
    async (_what, routers, done) => {
      const { journal } = await restore({ kind: "migration", direction: "R1toR2", routers });
      expect(journal.filter((line) => /^(destroy|release)/.test(line))).toEqual(done);
    },
  );

  test("aborts a migration that is still under way before anything else", async () => {
    const { journal } = await restore({
      kind: "migration",
      direction: "R1toR2",
      units: { [unit("migration")]: "running" },
    });
    before(journal, "abort", "load is stopped");
  });
});

describe("locate", () => {
  test.each([
    [{ "kvm@R1": "running" }, "source"],
    [{ "kvm@R1": "paused", "kvm@R2": "running" }, "destination"],
    [{ "kvm@R1": "running", "kvm@R2": "running" }, "both"],
    [{ "kvm@R1": "paused", "kvm@R2": "incoming" }, "paused"],
    [{ "kvm@R2": "incoming" }, "incoming"],
    [{ "kvm@R1": "stopped" }, "neither"],
  ] satisfies [Script["routers"] & object, string][])("%o is %s", async (routers, location) => {
    const { deps, journal } = scriptedBench({ kind: "migration", direction: "R1toR2", routers });
    expect(await quietActivity().run(() => locate(deps, ref, [1, 1]))).toEqual({ location });
    expect(journal).toEqual([`location ${location} stored`]);
  });

  test("looks again at a destination that is still incoming, and sends nothing", async () => {
    const routers: Record<string, GuestState> = { "kvm@R1": "stopped", "kvm@R2": "incoming" };
    const { deps, journal, stored } = scriptedBench({
      kind: "migration",
      direction: "R1toR2",
      routers,
      inspected: (count) => count === 5 && (routers["kvm@R2"] = "running"),
    });
    const found = await quietActivity().run(() => locate(deps, ref, [1, 1, 1]));
    expect(found).toEqual({ location: "destination" });
    expect(journal).toEqual(["location destination stored"]);
    expect(stored.events[0]?.content).toEqual({
      looks: [
        { source: "stopped", destination: "incoming", location: "incoming" },
        { source: "stopped", destination: "incoming", location: "incoming" },
        { source: "stopped", destination: "running", location: "destination" },
      ],
    });
  });

  test("calls a router unknown while a host does not answer, for a bounded number of looks", async () => {
    let asked = 0;
    const { deps, stored } = scriptedBench({
      kind: "migration",
      direction: "R1toR2",
      inspected: (count) => {
        asked = count;
        throw new NoExitStatus("R1: no answer");
      },
    });
    const found = await quietActivity().run(() => locate(deps, ref, [1, 1]));
    expect(found).toEqual({ location: "unknown" });
    expect(asked).toBe(6);
    expect(stored.events.map(({ kind }) => kind)).toEqual(["located"]);
  });

  test("stops looking again when the time for it is over, however many looks are left", async () => {
    let asked = 0;
    const { deps } = scriptedBench({
      kind: "migration",
      direction: "R1toR2",
      routers: { "kvm@R2": "incoming" },
      inspected: (count) => (asked = count),
    });
    const found = await quietActivity().run(() => locate(deps, ref, [1, 1, 1], 0));
    expect(found).toEqual({ location: "incoming" });
    expect(asked).toBe(2);
  });
});
