/** A bench without hosts: every verb writes a line to the journal, so that tests can assert order. */
import { deflateSync } from "node:zlib";
import type { Bench, TrialDeps } from "../../activities/deps.ts";
import type { Generator } from "../../generators/generator.ts";
import type { Hypervisor, Migrates, Watchable } from "../../hypervisors/hypervisor.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { GuestState } from "../../model/guest.ts";
import type {
  CounterSnapshot,
  Measurement,
  MigrationProgress,
  MigrationReport,
} from "../../model/measurement.ts";
import { hostNames, segmentNames } from "../../model/testbed.ts";
import type { Host, HostName, HostNic, Testbed } from "../../model/testbed.ts";
import type { AttemptRef, TrialKind } from "../../model/trial.ts";
import type { Agent, UnitState } from "../../remote/agent.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { AttemptRow, EventRow, Store, TrialRow } from "../../store/store.ts";

export const ref: AttemptRef = {
  campaignId: "c-1",
  testbed: "bench",
  trialId: "c-1/b01/t",
  attempt: 1,
  token: 7,
};

const nic = (host: HostName, link: HostNic["link"]): HostNic => ({
  link,
  device: `eth-${link}`,
  mac: "02:00:00:00:00:01",
  address: `198.18.${link.length}.${hostNames.indexOf(host) + 10}/24`,
  bridge: host.startsWith("R") && link !== "migration" ? `br-${link}` : null,
});
const segmentOf: Record<HostName, readonly HostNic["link"][]> = {
  A: ["a"],
  B: ["b"],
  C: ["c"],
  D: ["d"],
  R1: [...segmentNames, "migration"],
  R2: [...segmentNames, "migration"],
};

const testbed = {
  name: "bench",
  kind: "lab",
  hosts: Object.fromEntries(
    hostNames.map((name) => [
      name,
      { name, ownClock: false, nics: segmentOf[name].map((link) => nic(name, link)) },
    ]),
  ) as unknown as Record<HostName, Host>,
  lineRateMbpsL1: 400,
  router: {
    nics: segmentNames.map((segment) => ({ segment, mac: "02:00:00:00:00:99", address: "x" })),
  },
  runFolder: "/run/longhaul",
  accelerator: "tcg",
} as unknown as Testbed;

const campaign = {
  seed: 1,
  phases: { settleMs: 0, learnMs: 0, trialMs: 1000, drainMs: 0, restMs: 0 },
  guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  samplingIntervalMs: 10,
  rttIntervalMs: 10,
  keepRaw: false,
  migrationDeadlineMs: 1000,
  migrationMarginMs: 0,
} as unknown as Campaign;

const packed = (bytes: Buffer) => deflateSync(bytes).toString("base64");
const nothing = packed(Buffer.alloc(0));
export const resultOf: Record<string, unknown> = {
  counters: {
    format: "procnetdev",
    intervalMs: 10,
    names: {},
    beforeUs: nothing,
    afterUs: nothing,
    lengths: nothing,
    samples: nothing,
    missedTicks: 0,
  },
  sink: {
    ...{ frames: 1000, duplicates: 0, late: 0, foreign: 0, socketDrops: 0, clockStepUs: 0 },
    ...{ firstUs: 0, lastUs: 1, firstSequence: 0, lastSequence: 999, gapThresholdUs: 1 },
    ...{ ticks: { startUs: 0, tickMs: 10, frames: [] }, gaps: [], lostRanges: [], raw: null },
  },
  rtt: { intervalMs: 10, sentUs: [], rttMs: [], refused: 0 },
  "host-load": { begun: {}, ended: {}, runnable: [], frequencyMhz: null },
};
const noCounters = {
  ...{ ifindex: 2, rxFrames: 0, rxBytes: 0, rxErrors: 0, rxDropped: 0, rxMissed: 0 },
  ...{ txFrames: 0, txBytes: 0, txErrors: 0, txDropped: 0 },
};
const snapshotOf = (host: string): CounterSnapshot => ({
  ...{ host, atUs: 0, interfaces: {}, softnet: [], qdiscDrops: {}, ip: {} },
});

export interface Script {
  readonly kind?: TrialKind;
  readonly direction?: "R1toR2" | "R2toR1";
  /** What `inspect` answers, by `platform@host`; absent otherwise. Mutable: drivers change it. */
  readonly routers?: Record<string, GuestState>;
  /** Told of every `inspect`, by its count from 1, before it answers. */
  readonly inspected?: (count: number) => unknown;
  /** Makes the driver one that can be watched. */
  readonly watch?: Partial<Watchable>;
  /** Bytes on the migration link of R1, at each reading of its counters. */
  readonly linkBytes?: () => number;
  readonly abort?: () => Promise<void>;
  readonly campaign?: Partial<Campaign>;
  /** Whether the guest on a host runs as the campaign wants it; it does by default. */
  readonly matches?: (host: string) => boolean;
  /** Whether the router answers echo requests, asked once for each try. */
  readonly answers?: () => boolean;
  readonly units?: Record<string, UnitState["status"]>;
  readonly bootIds?: Record<string, string>;
  /** Hosts that do not answer, and what the read-back of their power says. */
  readonly silent?: Partial<Record<string, "on" | "off">>;
  /** The trial's level of that name. */
  readonly fault?: string;
  readonly events?: EventRow[];
  readonly measurement?: Measurement | null;
  /** That the store knows of the testbed; the attempt's own by default. */
  readonly highestToken?: number;
  readonly opens?: boolean;
  /** The verdict that the trial has got meanwhile. */
  readonly decided?: Pick<TrialRow, "state" | "reason">;
  readonly finish?: () => Promise<void>;
  readonly migrate?: (
    onProgress: (seen: MigrationProgress) => void,
  ) => Promise<Partial<MigrationReport>>;
  readonly reported?: boolean;
  readonly location?: string;
  readonly afterRecovery?: boolean;
  /** Replaces what a probe's unit of this name brings home. */
  readonly results?: Readonly<Record<string, unknown>>;
  /** Hosts in quarantine, isolated. Being asked anything fails the test. */
  readonly quarantined?: readonly string[];
}

export function scriptedBench(script: Script = {}) {
  const journal: string[] = [];
  const note = (line: string) => void journal.push(line);
  const stored: { measurement: Measurement | null; events: EventRow[] } = {
    measurement: script.measurement ?? null,
    events: script.events ?? [],
  };
  const routers = script.routers ?? { "kvm@R1": "running" };
  const units = new Map<string, UnitState["status"]>(Object.entries(script.units ?? {}));
  const state = (name: string): UnitState => ({
    ...{ name, token: 7, exitCode: 0, signal: null, startedUs: 0, endedUs: 1, deadlineUs: 2 },
    status: units.get(name) ?? "ended",
  });
  const what = (name: string) => name.replace(/^c-1\.b01\.t\.a1\./, "");

  const agent = (host: string): Agent => {
    const echo = () => ({ answered: (script.answers ?? (() => true))(), tries: 1 });
    const verbs: Partial<Agent> = {
      host,
      identity: async () => ({
        ...{ host, kernel: "6.1", python: "3.11", agentVersion: "1", token: 7 },
        bootId: script.bootIds?.[host] ?? `boot-${host}`,
      }),
      clock: async () => ({ host, offsetUs: 0, uncertaintyUs: 1 }),
      raise: async () => note(`raise ${host}`),
      sweepUnits: async () => note(`sweep ${host}`),
      counters: async () => {
        note(`counters ${host}`);
        return { ...snapshotOf(host), ...linkOf(host) };
      },
      startUnit: async (_fence, order) => {
        note(`start ${what(order.name)} on ${host}`);
        units.set(order.name, "running");
        return state(order.name);
      },
      followUnit: async function* () {
        yield { ready: true };
      },
      unit: async (name) => (units.has(name) ? state(name) : null),
      units: async () => [...units.keys()].map(state),
      waitUnit: async (name) => {
        const result = name.endsWith("settings") ? { interfaces: {} } : echo();
        if (!name.endsWith("load") && !name.endsWith("migration")) units.set(name, "ended");
        return { state: state(name), result, stdout: "", stderr: "" };
      },
      stopUnit: async (_fence, name) => {
        note(`stop ${what(name)} on ${host}`);
        if (units.get(name) === "running") units.set(name, "stopped");
        return {
          ...{ state: state(name), stdout: "", stderr: "" },
          result:
            script.results?.[what(name)] ?? resultOf[what(name).replace(/^baseline\./, "")] ?? null,
        };
      },
    };
    return new Proxy(verbs, {
      get: (known, verb: string) => {
        if (verb in known) return known[verb as keyof Agent];
        if (verb === "then") return undefined;
        throw new Error(`the script has no ${verb}`);
      },
    }) as Agent;
  };

  let inspections = 0;
  const watching = script.watch && {
    glance: async () => ({ state: "running" as const, progress: null }),
    vcpuTime: async () => null,
    evidence: async (host: string) => {
      note(`evidence ${host}`);
      return { host };
    },
    ...script.watch,
  };
  /** A host whose clock is the test's own; only with a link to count on. */
  const linkOf = (host: string): Partial<CounterSnapshot> =>
    host !== "R1" || script.linkBytes === undefined
      ? {}
      : {
          atUs: Math.round(performance.now() * 1000),
          interfaces: { "eth-migration": { ...noCounters, txBytes: script.linkBytes() } },
        };

  const driver = (name: string): Hypervisor & Migrates => ({
    name,
    bootProfile: "linux",
    capabilities: {
      ...{ liveMigration: true, progress: true, pause: true, console: true, guestCommand: false },
      stoppingPolicy: null,
    },
    create: async (_fence, host) => {
      note(`create ${name}@${host}`);
      routers[`${name}@${host}`] = "running";
    },
    matches: async (host) => script.matches?.(host) ?? true,
    inspect: async (host) => {
      if (script.quarantined?.includes(host)) throw new Error(`${host}: was asked in quarantine`);
      script.inspected?.((inspections += 1));
      return routers[`${name}@${host}`] ?? "absent";
    },
    ...watching,
    destroy: async (_fence, host) => {
      note(`destroy ${name}@${host}`);
      routers[`${name}@${host}`] = "absent";
    },
    path: (host) => ({
      points: [{ place: "host NIC in", host, device: "eth-a", counter: "rxFrames" }],
      drops: [],
    }),
    describe: async () => ({ nicModel: "virtio" }),
    prepareMigration: async (_fence, { destination }) => {
      note(`incoming ${name}@${destination}`);
      routers[`${name}@${destination}`] = "incoming";
    },
    migrate: async (_fence, order, onProgress) => {
      note("migrate");
      onProgress({
        ...{
          atUs: Math.round(performance.now() * 1000),
          transferredBytes: 1,
          remainingBytes: 1,
          iteration: 1,
        },
        dirtyRatePagesPerSecond: null,
      });
      return report(order, await (script.migrate?.(onProgress) ?? {}));
    },
    report: async (order) => (script.reported === false ? null : report(order, {})),
    abort: async () => {
      note("abort");
      await script.abort?.();
    },
    release: async () => note("release"),
  });

  const generator: Generator = {
    name: "scripted",
    version: async () => "1",
    sequenceModulus: () => 65_536,
    load: async (_fence, unit) => note(`begin to load the generator ${what(unit)}`),
    prepare: async (_fence, unit) => note(`load the generator ${what(unit)}`),
    start: async () => note("load starts"),
    finish: async (_unit, _stream, onProgress) => {
      onProgress(1);
      await script.finish?.();
      note("load has ended");
      return offered;
    },
    offered: async (unit) =>
      ["ended", "stopped"].includes(units.get(unit) ?? "") ? offered : null,
    stop: async () => note("load is stopped"),
  };

  const bench: Bench = {
    testbed,
    hosts: {
      agent: async (name) => {
        if (script.quarantined?.includes(name)) throw new Error(`${name}: was asked in quarantine`);
        if (script.silent?.[name] !== undefined) throw new NoExitStatus(`${name}: silent`);
        return agent(name);
      },
      close: async () => undefined,
    },
    drivers: { bare: driver("bare"), kvm: driver("kvm") },
    generator,
    power: { state: async (host) => script.silent?.[host] ?? "on" } as Bench["power"],
  };
  const trial = {
    id: ref.trialId,
    kind: script.kind ?? "forwarding",
    element: "c-1/b01/sweep",
    ...{ state: "pending", outcome: null, reason: null, ...script.decided },
    scenario: {
      ...{ platform: "kvm", frameSizeBytes: 64, load: "1000fps", intendedFps: 1000 },
      ...{ ofCapacity: null, direction: script.direction ?? null },
      ...(script.fault === undefined ? {} : { fault: script.fault }),
    },
  } as unknown as TrialRow;
  const attempt = {
    attempt: 1,
    token: 7,
    bootIds: Object.fromEntries(
      hostNames
        .filter((name) => !script.quarantined?.includes(name))
        .map((name) => [name, `boot-${name}`]),
    ),
    location: script.location ?? null,
  } as unknown as AttemptRow;
  const verbs: Partial<Store> = {
    trial: async () => trial,
    campaign: async () =>
      ({ content: { ...campaign, ...script.campaign } }) as unknown as Awaited<
        ReturnType<Store["campaign"]>
      >,
    attempts: async () => [attempt],
    openAttempt: async () => script.opens ?? true,
    testbed: async () => ({ content: {}, token: script.highestToken ?? ref.token }),
    setBootIds: async () => note("boot ids stored"),
    setLocation: async (_ref, location) => note(`location ${location} stored`),
    putProvenance: async () => note("provenance stored"),
    putEvent: async (event) => void stored.events.push(event),
    events: async () => stored.events,
    isAfterRecovery: async () => script.afterRecovery ?? false,
    capacities: async () => [],
    quarantines: async () =>
      (script.quarantined ?? []).map((host) => ({
        ...{ host, reason: "nothing helped", isolated: true, recovery: "r", since: "s" },
      })),
    measurement: async () => stored.measurement,
    putMeasurement: async (_ref, measurement) => {
      note("measurement stored");
      stored.measurement = measurement;
    },
    putSeries: async () => note("series stored"),
    judge: async (_ref, { verdict, final }) =>
      note(`judged ${verdict.verdict}${final ? " finally" : ""}`),
  };
  const store = new Proxy(verbs, {
    get: (known, verb: string) => {
      if (verb in known) return known[verb as keyof Store];
      throw new Error(`the script has no ${verb}`);
    },
  }) as Store;
  const deps: TrialDeps = { store, bench: async () => bench, longhaulVersion: "0.1.0" };
  return { deps, bench, journal, stored, routers };
}

const offered = {
  ...{ intendedFps: 1000, frames: 1000, bytes: 60_000, startUs: 0, endUs: 1_000_000 },
  executed: "scripted",
};
const report = (
  { source, destination }: { source: string; destination: string },
  more: Partial<MigrationReport>,
): MigrationReport => ({
  ...{ status: "completed", reason: null, source, destination, commandUs: 10, endUs: 20 },
  ...{ totalTimeMs: 10, downtimeMs: 1, setupTimeMs: 1, transferredBytes: 1, memoryBytes: 1 },
  ...{ phases: [], progress: [] },
  ...more,
});
