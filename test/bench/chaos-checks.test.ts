import { describe, expect, test } from "vitest";
import { violations } from "../../bench/chaos/checks.ts";
import type { Blow, TrialFault } from "../../bench/chaos/draw.ts";
import type { JournalLine } from "../../bench/chaos/journals.ts";
import type { ChaosRecord, RecordedTrial, Struck } from "../../bench/chaos/record.ts";
import { summary } from "../../bench/chaos/summary.ts";
import type { FaultName } from "../../model/fault.ts";
import type { EventRow } from "../../store/store.ts";

const minute = (second: number): string =>
  new Date(Date.UTC(2030, 0, 1, 0, 0, second)).toISOString();
const first = "chaos/b01/forwarding-kvm-virtio-64B-1000fps";
const second = "chaos/b01/migration-kvm-virtio-64B-1000fps-R1toR2";

/** Two trials, one after the other, nothing on them. */
const trialOf = (id: string, position: number, from: number): RecordedTrial => ({
  ...{ id, position, platform: "kvm-virtio", fault: null, state: "valid", outcome: "completed" },
  kind: id.includes("/migration-") ? "migration" : "forwarding",
  ...{ judgedAttempt: 1, results: {}, startedAt: minute(from), endedAt: minute(from + 4) },
  attempts: [
    {
      ...{ attempt: 1, token: position + 1, bootIds: {}, verdict: "valid", outcome: "completed" },
      ...{ reason: null, cut: false, location: null },
      ...{ startedAt: minute(from), endedAt: minute(from + 4) },
    },
  ],
  steps: [
    {
      ...{ attempt: 1, name: "measure", retry: 1, outcome: "completed", detail: null, parts: {} },
      ...{ startedAt: minute(from + 1), endedAt: minute(from + 3) },
    },
  ],
});

const unitLines = (unit: string, token: number, fromUs: number, toUs: number): JournalLine[] => [
  { what: "started", unit, token, atUs: fromUs, bootId: "boot-1" },
  { what: "ended", unit, status: "ended", atUs: toUs, bootId: "boot-1" },
];
const unitOf = (trial: string, attempt = 1) => `${trial.replaceAll("/", ".")}.a${attempt}.load`;

const sound = (): ChaosRecord => ({
  planned: 2,
  status: {
    ...{ campaign: "chaos", testbed: "chaos", state: "completed", reason: null, planned: 2 },
    ...{ verdicts: { valid: 2, invalid: 0, skipped: 0 }, pending: 0, running: 0, outcomes: {} },
    ...{ attempts: 2, recoveries: 0, workflowId: "campaign/chaos", temporalUi: null },
    ...{
      plannedAt: minute(0),
      startedAt: minute(0),
      endedAt: minute(20),
      queue: null,
      current: null,
    },
  },
  trials: [trialOf(first, 0, 1), trialOf(second, 1, 10)],
  events: [],
  recoveries: [],
  anomalies: [],
  temporal: {
    open: [],
    measures: [
      { trial: first, attempt: 1 },
      { trial: second, attempt: 1 },
    ],
    verdicts: [
      { trial: first, words: "valid, completed, 1 attempt" },
      { trial: second, words: "valid, completed, 1 attempt" },
    ],
  },
  journals: {
    A: [...unitLines(unitOf(first), 1, 1e6, 5e6), ...unitLines(unitOf(second), 2, 10e6, 14e6)],
  },
  struck: [],
  calls: [],
  left: [],
});

const found = (change: Partial<ChaosRecord>) => violations({ ...sound(), ...change }, "chaos");
const changed = (index: number, change: Partial<RecordedTrial>): readonly RecordedTrial[] =>
  sound().trials.map((trial, at) => (at === index ? { ...trial, ...change } : trial));
/** The trial's only attempt ended like this, and the trial with it. */
const ended = (
  index: number,
  attempt: Partial<RecordedTrial["attempts"][number]>,
  trial: Partial<RecordedTrial> = {},
) => {
  const [one] = sound().trials[index]?.attempts ?? [];
  if (!one) throw new Error("no attempt");
  return changed(index, { ...trial, attempts: [{ ...one, ...attempt }] });
};

const struckBy = (blow: Blow, from: number, to: number, made: Struck["made"] = null): Struck => ({
  strike: { id: 1, afterVerdicts: 0, delayMs: 0, blow },
  ...{ atMs: Date.parse(minute(from)), overMs: Date.parse(minute(to)), made },
});
const killed = (from: number, to: number) =>
  struckBy({ kind: "kill", victims: ["worker"], upAfterMs: 0 }, from, to);
const faulted = (fault: FaultName, from: number, to: number): Struck => {
  const order = {
    fault,
    host: null,
    forMs: null,
    link: null,
    mbps: null,
    lossRatio: null,
    mib: null,
  };
  const made = {
    ...{ id: `${fault}-1`, fault, host: null, detail: "it was made", at: minute(from) },
    ...{ untilAt: null, undoable: false, trial: null },
  };
  return struckBy({ kind: "fault", order }, from, to, made);
};
const disturbance = (fault: FaultName, from: number): EventRow => ({
  ...{ key: `chaos disturbed by ${fault}-1`, testbed: "chaos", campaign: "chaos", trial: null },
  ...{ attempt: null, host: null, kind: "disturbance", content: { fault }, at: minute(from) },
});

test("a campaign on which nothing fell and whose witnesses agree violates nothing", () => {
  expect(found({})).toEqual([]);
});

describe("each lie of a witness is one violation", () => {
  test.each<[string, Partial<ChaosRecord>, RegExp]>([
    ["a planned trial is missing", { trials: sound().trials.slice(1) }, /planned 2, but 2 valid/],
    ["a workflow is open", { temporal: { ...sound().temporal, open: ["x"] } }, /x is still open/],
    [
      "an attempt was measured twice",
      {
        temporal: {
          ...sound().temporal,
          measures: [...sound().temporal.measures, { trial: first, attempt: 1 }],
        },
      },
      /1000fps#1 was measured twice/,
    ],
    [
      "Temporal tells another verdict",
      {
        temporal: {
          ...sound().temporal,
          verdicts: [{ trial: first, words: "valid, crashed, 1 attempt" }],
        },
      },
      /is "valid, crashed, 1 attempt", in the store valid, completed/,
    ],
    [
      "attempts overlap on a host",
      {
        journals: {
          A: [
            ...unitLines(unitOf(first), 1, 1e6, 11e6),
            ...unitLines(unitOf(second), 2, 10e6, 14e6),
          ],
        },
      },
      /overlap by 1000 ms/,
    ],
    [
      "a lower token was let through",
      {
        journals: {
          A: [
            ...unitLines(unitOf(first), 3, 1e6, 2e6),
            ...unitLines(unitOf(second), 2, 10e6, 14e6),
          ],
        },
      },
      /under token 2, after one under 3/,
    ],
    [
      "a unit never ended",
      { journals: { A: [...(sound().journals.A ?? []).slice(0, 3)] } },
      /R1toR2.a1.load never ended/,
    ],
    [
      "no host saw a valid attempt",
      { journals: { A: unitLines(unitOf(first), 1, 1e6, 5e6) } },
      /none knows of chaos.b01.migration/,
    ],
    [
      "the store contradicts itself",
      { anomalies: [{ what: "ledger of no attempt", trial: first, attempt: 2 }] },
      /ledger of no attempt/,
    ],
    [
      "a person was called for",
      { calls: ["R1 is in quarantine"] },
      /called for: R1 is in quarantine/,
    ],
    [
      "something is left",
      { left: ["R1: process sleep 100"] },
      /left behind: R1: process sleep 100/,
    ],
    [
      "a hang was found too late",
      { trials: changed(1, { results: { detectionTimeMs: 3900, detectionBoundMs: 3500 } }) },
      /found after 3900 ms, the bound is 3500 ms/,
    ],
  ])("%s", (_, change, message) => {
    const words = found(change);
    expect(words.join("\n")).toMatch(message);
  });
});

describe("an outcome needs its cause", () => {
  const crash = ended(0, { outcome: "crashed" }, { outcome: "crashed" });
  const told = { ...sound().temporal, verdicts: [] };

  test("without a fault on it an attempt is valid and completed", () => {
    expect(found({ trials: crash, temporal: told })).toEqual([
      `${first}, attempt 1 is crashed undisturbed; expected completed`,
    ]);
    expect(found({ trials: ended(0, { verdict: "invalid", reason: "silence" }) }).join()).toMatch(
      /is invalid undisturbed: silence/,
    );
  });

  test("a migrated guest may lock up by itself where its console on record says so", () => {
    const trials = ended(1, { outcome: "locked-up" }, { outcome: "locked-up" });
    const evidence = (...console: string[]): EventRow => ({
      ...{ key: "evidence", testbed: "chaos", campaign: "chaos", trial: second, attempt: 1 },
      ...{ host: "R1", kind: "evidence", content: { console }, at: minute(13) },
    });
    const broken = evidence("hb 12.1", "[  12.3] virtio_net virtio1: output.0:id 9 is not a head!");
    expect(found({ trials, temporal: told, events: [broken] })).toEqual([]);
    const off = { struck: [faulted("power-off", 11, 12)] };
    const events = [broken, disturbance("power-off", 11)];
    expect(found({ trials, temporal: told, events, ...off })).toEqual([
      `${second}, attempt 1 is locked-up under fault power-off; expected completed`,
    ]);
    for (const without of [[], [evidence("hb 12.1", "hb 13.1")]])
      expect(found({ trials, temporal: told, events: without })).toEqual([
        `${second}, attempt 1 is locked-up undisturbed; expected completed`,
      ]);
  });

  test("a router is degraded without a fault only on a machine that was busy", () => {
    const evidence: EventRow = {
      ...{ key: "evidence", testbed: "chaos", campaign: "chaos", trial: first, attempt: 1 },
      ...{ host: "R1", kind: "evidence", content: { console: [] }, at: minute(4) },
    };
    const at = (hostLoadMaxRatio: number) =>
      found({
        temporal: told,
        events: [evidence],
        trials: ended(
          0,
          { outcome: "degraded" },
          { outcome: "degraded", results: { hostLoadMaxRatio } },
        ),
      });
    expect(at(0.97)).toEqual([]);
    expect(at(0.4).join()).toMatch(/is degraded undisturbed; expected completed/);
  });

  test("a router cannot complete a load in whose middle its QEMU was killed", () => {
    const begins = (trial: string, at: number): EventRow => ({
      ...{ key: `${trial}#1 load begins`, testbed: "chaos", campaign: "chaos", trial },
      ...{ attempt: 1, host: null, kind: "load-begins", content: {}, at: minute(at) },
    });
    const under = (fault: FaultName, at: number, more: readonly Struck[] = []) =>
      found({
        struck: [faulted(fault, at, at + 1), ...more],
        events: [begins(first, 2), disturbance(fault, at)],
      });
    expect(under("qemu-kill", 3)).toEqual([
      `${first}, attempt 1 is completed under fault qemu-kill; expected crashed`,
    ]);
    // After the load, while something of Longhaul was dead, or one that is over by itself.
    expect(under("qemu-kill", 4)).toEqual([]);
    expect(under("qemu-kill", 3, [killed(2, 3)])).toEqual([]);
    expect(under("guest-blackhole", 3)).toEqual([]);
    // A migration lies within its load.
    const moving = (totalTimeMs: number) =>
      found({
        trials: changed(1, { results: { totalTimeMs } }),
        struck: [faulted("guest-panic", 13, 14)],
        events: [begins(second, 11), disturbance("guest-panic", 13)],
      });
    expect(moving(4000).join()).toMatch(/is completed under fault guest-panic; expected crashed/);
    expect(moving(500)).toEqual([]);
  });

  test("a killed QEMU explains a crash, a host without power does not", () => {
    const under = (fault: FaultName) =>
      found({
        ...{ trials: crash, temporal: told },
        ...{ struck: [faulted(fault, 2, 3)], events: [disturbance(fault, 2)] },
      });
    expect(under("qemu-kill")).toEqual([]);
    expect(under("power-off")).toEqual([
      `${first}, attempt 1 is crashed under fault power-off; expected completed`,
    ]);
  });

  test("a kill explains a cut attempt while it lasts, a fault never does", () => {
    const cut = ended(0, { verdict: "invalid", cut: true, reason: "no heartbeat" });
    const words = (struck: Struck, events: readonly EventRow[] = []) =>
      found({ trials: cut, struck: [struck], events }).filter((line) => line.includes("attempt 1"));
    expect(words(killed(2, 3))).toEqual([]);
    expect(words(killed(6, 7)).join()).toMatch(/was cut and nothing of Longhaul was killed/);
    expect(words(faulted("power-off", 2, 3), [disturbance("power-off", 2)]).join()).toMatch(
      /nothing of Longhaul was killed/,
    );
  });

  test("a fault of the campaign's own comes to what it must, and stands in the record", () => {
    const fault: TrialFault = {
      ...{ fault: "link-cut", host: null, when: "migrating", afterMs: 100, forMs: null },
      ...{ lossRatio: null, trials: { kind: "migration", name: "b01/migration-*" } },
    };
    const own: EventRow = {
      ...{ key: `${second}#1/fault`, testbed: "chaos", campaign: "chaos", trial: second },
      ...{ attempt: 1, host: null, kind: "fault", content: { fault: "link-cut" }, at: minute(12) },
    };
    const stalled = ended(1, { outcome: "stalled" }, { outcome: "stalled", fault });
    expect(found({ trials: stalled, temporal: told, events: [own] })).toEqual([]);
    expect(found({ trials: changed(1, { fault }), events: [own] }).join()).toMatch(
      /is completed under its fault link-cut; expected stalled/,
    );
    expect(found({ trials: stalled, temporal: told }).join()).toMatch(
      /no event tells of its fault link-cut/,
    );
  });

  test("a fault from outside that no event tells of is a violation", () => {
    expect(found({ struck: [faulted("agent-kill", 2, 3)] })).toEqual([
      "no event tells of agent-kill, it was made",
    ]);
  });
});

test("the summary counts what was survived and estimates what it cost", () => {
  const lines = summary({ ...sound(), struck: [killed(2, 3)] }, "chaos", 60_000).join("\n");
  expect(lines).toContain("planned 2 = 2 valid + 0 invalid + 0 skipped; 2 attempts, 0 of them cut");
  expect(lines).toContain("survived 1 strikes: 1 kills");
  expect(lines).toContain("measure (forwarding)");
  // The second trial, 9 s after the first, is the only undisturbed one.
  expect(lines).toContain("undisturbed would take about 18.0 s (from 1 undisturbed trials)");
});
