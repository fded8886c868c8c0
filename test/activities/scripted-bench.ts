/** A bench without hosts: every verb writes a line to the journal, so that tests can assert order. */
import type { Bench, TrialDeps } from "../../activities/deps.ts";
import type { Generator, Stream } from "../../generators/generator.ts";
import type { Receiver } from "../../generators/receiver.ts";
import type { HasConsole, Hypervisor, Migrates, Watchable } from "../../hypervisors/hypervisor.ts";
import type { Campaign } from "../../model/campaign.ts";
import type { GuestState } from "../../model/guest.ts";
import type {
  CounterSnapshot,
  Measurement,
  MigrationProgress,
  MigrationReport,
  OfferedLoad,
} from "../../model/measurement.ts";
import { hostNames } from "../../model/testbed.ts";
import type { TrialKind } from "../../model/trial.ts";
import { packetSink } from "../../probes/sink.ts";
import type { Agent, Hosts, UnitState } from "../../remote/agent.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { AttemptRow, EventRow, Store, TrialRow } from "../../store/store.ts";
import {
  campaign,
  noCounters,
  offered,
  ref,
  report,
  resultOf,
  snapshotOf,
  testbed,
} from "./scripted-facts.ts";

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
  /** Whether the router answers what a host asks by a unit of this name, asked once for each try. */
  readonly answers?: (host: string, unit: string) => boolean;
  readonly units?: Record<string, UnitState["status"]>;
  readonly bootIds?: Record<string, string>;
  /** What a command in the guest says; without it the driver runs none there. */
  readonly inGuest?: () => Promise<string>;
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
  readonly powerCycles?: readonly { readonly host: string; readonly cycles: number }[];
  /** Replaces what a probe's unit of this name brings home. */
  readonly results?: Readonly<Record<string, unknown>>;
  /** What the generator says of a load that it has sent. */
  readonly sent?: (stream: Stream) => OfferedLoad;
  /** The packet sink on the scripted hosts by default. */
  readonly receiver?: Receiver;
  /** Verbs of the store beside those of a trial. */
  readonly store?: Partial<Store>;
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
    const echo = (unit: string) => ({
      answered: (script.answers ?? (() => true))(host, what(unit)),
      tries: 1,
    });
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
        const result = name.endsWith("settings") ? { interfaces: {} } : echo(name);
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
    vcpuTimes: async () => null,
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

  const driver = (name: string): Hypervisor & Migrates & HasConsole => ({
    consoleTail: async () => "",
    name,
    bootProfile: "linux",
    capabilities: {
      ...{ liveMigration: true, progress: true, pause: true, console: true },
      ...{ guestCommand: script.inGuest !== undefined, stoppingPolicy: null },
    },
    ...(script.inGuest === undefined ? {} : { inGuest: script.inGuest }),
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
    calibrate: async () => {
      throw new Error("the script calibrates nothing");
    },
    sequenceModulus: () => 65_536,
    load: async (_fence, unit) => note(`begin to load the generator ${what(unit)}`),
    prepare: async (_fence, unit) => note(`load the generator ${what(unit)}`),
    start: async () => note("load starts"),
    finish: async (_unit, stream, onProgress) => {
      onProgress(1);
      await script.finish?.();
      note("load has ended");
      return script.sent?.(stream) ?? offered;
    },
    offered: async (unit) =>
      ["ended", "stopped"].includes(units.get(unit) ?? "") ? offered : null,
    stop: async () => note("load is stopped"),
  };

  const hosts: Hosts = {
    agent: async (name) => {
      if (script.quarantined?.includes(name)) throw new Error(`${name}: was asked in quarantine`);
      if (script.silent?.[name] !== undefined) throw new NoExitStatus(`${name}: silent`);
      return agent(name);
    },
    close: async () => undefined,
  };
  const bench: Bench = {
    testbed,
    hosts,
    drivers: { bare: driver("bare"), kvm: driver("kvm") },
    generator,
    receiver: script.receiver ?? packetSink(hosts),
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
    powerCycles: async () => script.powerCycles ?? [],
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
    ...script.store,
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
