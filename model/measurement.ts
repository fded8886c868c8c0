/**
 * What a measuring activity brings home, before anything is computed from it. Raw in the sense that
 * `judge` can be run again from it alone.
 *
 * Times named `…Us` are microseconds of the CLOCK_MONOTONIC of the host named beside them;
 * `ClockOffset` maps them to the controller's wall clock.
 */
import type { MigrationWatch, RouterFindings } from "./watch.ts";

/** controller wall clock (µs since 1970) = host monotonic µs + offsetUs, within ± uncertaintyUs. */
export interface ClockOffset {
  readonly host: string;
  readonly offsetUs: number;
  readonly uncertaintyUs: number;
}

/** Absolute counters of one interface, as the kernel shows them (`ip -s link`, /sys/class/net/X/statistics). */
export interface InterfaceCounters {
  readonly ifindex: number;
  readonly rxFrames: number;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly rxMissed: number;
  readonly txFrames: number;
  readonly txBytes: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** All counters of one host (or, with `host: "guest"`, of the guest) at one moment; read before the load and after phase d only. */
export interface CounterSnapshot {
  readonly host: string;
  readonly atUs: number;
  readonly interfaces: Readonly<Record<string, InterfaceCounters>>;
  /**
   * /proc/net/softnet_stat, by CPU. Global to a machine, not to a namespace, and no place of the ledger: a
   * frame dropped from a CPU's backlog is in `rxDropped` of its interface already (net/core/dev.c,
   * enqueue_to_backlog).
   */
  readonly softnet: readonly {
    readonly cpu: number;
    readonly dropped: number;
    readonly timeSqueeze: number;
  }[];
  /** Drops of the root qdisc, by interface. */
  readonly qdiscDrops: Readonly<Record<string, number>>;
  /** Ip: ForwDatagrams, InDiscards, OutNoRoutes, InAddrErrors … of /proc/net/snmp. */
  readonly ip: Readonly<Record<string, number>>;
}

/** Stamps of every frame of the port in order of arrival, foreign ones included. */
export interface RawArrivals {
  readonly arrivalUs: readonly number[];
  readonly sequence: readonly number[];
}

/** The packet sink's reduction of its per-frame stamps, made on the host. */
export interface SinkSummary {
  readonly host: string;
  /** Distinct frames of this attempt. */
  readonly frames: number;
  readonly duplicates: number;
  /** Frames that arrived after a higher sequence number. */
  readonly late: number;
  /** Frames of the same flow with the tag of another attempt. */
  readonly foreign: number;
  /** Frames the kernel dropped at the sink's socket (PACKET_STATISTICS). Not zero: the sink, not the router, lost them. */
  readonly socketDrops: number;
  readonly firstUs: number | null;
  /** Arrival of the frame with the highest number: older ones may have come after it. */
  readonly lastUs: number | null;
  readonly firstSequence: number | null;
  readonly lastSequence: number | null;
  /** Arrivals per tick from `ticks.startUs` on. */
  readonly ticks: {
    readonly startUs: number;
    readonly tickMs: number;
    readonly frames: readonly number[];
  };
  /** Gaps between consecutive *new* frames longer than the threshold, and always the longest ones. */
  readonly gapThresholdUs: number;
  readonly gaps: readonly SinkGap[];
  /** Missing sequence ranges, inclusive; cut to the 1000 longest. */
  readonly lostRanges: readonly (readonly [number, number])[];
  /** The wall clock jumped against the monotonic one by more than this between start and end. */
  readonly clockStepUs: number;
  /** Monotonic minus wall clock, by which the kernel's stamps were placed (`start`), and as it was at the end. Absent in measurements of old. */
  readonly clockOffsetUs?: { readonly start: number; readonly end: number };
}

/** Stamps of every frame of the flow's port in order of arrival, foreign ones included. */
export interface RawArrivals {
  readonly arrivalUs: readonly number[];
  readonly sequence: readonly number[];
}

export interface SinkGap {
  /** Arrival of the last frame before the gap. */
  readonly startUs: number;
  /** Arrival of the first new frame after it. Frames with older sequence numbers do not end a gap. */
  readonly endUs: number;
  readonly lost: number;
  /** Frames with older sequence numbers that arrived inside the gap. */
  readonly stale: number;
}

/** The side flow C→D: one entry per probe sent, in order. */
export interface RttSeries {
  readonly host: string;
  readonly intervalMs: number;
  readonly sentUs: readonly number[];
  /** null: no reply. */
  readonly rttMs: readonly (number | null)[];
  /** Probes that the host itself refused to send: no entries. Absent in measurements of old, where they are entries without a reply. */
  readonly refused?: number;
}

/** The load of one host during the load phase, as ratios of the time. */
export interface HostLoad {
  readonly host: string;
  readonly cpus: readonly {
    readonly cpu: number;
    readonly userRatio: number;
    readonly systemRatio: number;
    readonly softirqRatio: number;
    readonly stealRatio: number;
    readonly idleRatio: number;
  }[];
  readonly runnableMean: number | null;
  readonly frequencyMhz: number | null;
}

/** What the generator sent, from its own counters. */
export interface OfferedLoad {
  readonly intendedFps: number;
  readonly frames: number;
  readonly bytes: number;
  readonly startUs: number;
  readonly endUs: number;
  /** The command or settings as executed, read back. */
  readonly executed: string;
  /** What its kernel did not take at once; absent: the generator does not tell. */
  readonly refused?: {
    /** Refused for want of room (ENOBUFS) and sent again: each is a drop of the NIC's queue, and none is a lost frame. */
    readonly retriedFrames: number;
    /** Never sent; not in `frames`. */
    readonly failedFrames: number;
    readonly truncatedFrames: number;
  };
}

/** How well a sampler kept its interval; in a measurement, during the load phase. */
export interface SamplerAccuracy {
  readonly intervalMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly missedTicks: number;
  /** Width of the clock bracket around each sample. */
  readonly readP99Us: number;
}

/** One interface's samples, columnar. Counters are absolute; a new ifindex is a new series. */
export interface CounterSeries {
  readonly host: string;
  readonly device: string;
  readonly ifindex: number;
  readonly accuracy: SamplerAccuracy;
  readonly beforeUs: readonly number[];
  readonly afterUs: readonly number[];
  readonly rxFrames: readonly number[];
  readonly rxBytes: readonly number[];
  readonly rxDropped: readonly number[];
  readonly txFrames: readonly number[];
  readonly txBytes: readonly number[];
  readonly txDropped: readonly number[];
}

/** One look at a migration under way. null: the platform does not tell. */
export interface MigrationProgress {
  readonly atUs: number;
  readonly transferredBytes: number | null;
  readonly remainingBytes: number | null;
  readonly iteration: number | null;
  readonly dirtyRatePagesPerSecond: number | null;
}

/** A migration as the platform told it. Times are of the source host's clock. */
export interface MigrationReport {
  readonly status: "completed" | "failed" | "cancelled" | "unknown";
  readonly reason: string | null;
  readonly source: string;
  readonly destination: string;
  readonly commandUs: number;
  readonly endUs: number | null;
  readonly totalTimeMs: number | null;
  readonly downtimeMs: number | null;
  readonly setupTimeMs: number | null;
  readonly transferredBytes: number | null;
  readonly memoryBytes: number;
  /** The platform's own phases and events, in order; `host` whose clock stamped it. */
  readonly phases: readonly {
    readonly name: string;
    readonly host: string;
    readonly atUs: number;
  }[];
  readonly progress: readonly MigrationProgress[];
}

/** Settings as read back from hosts and guest, never as asked for. */
export type Provenance = Readonly<Record<string, unknown>>;

/** What both kinds of trial measure. */
export interface MeasurementBase {
  readonly frameSizeBytes: number;
  readonly offered: OfferedLoad;
  readonly sink: SinkSummary;
  readonly rtt: RttSeries;
  readonly hostLoad: readonly HostLoad[];
  readonly clocks: readonly ClockOffset[];
  readonly before: readonly CounterSnapshot[];
  readonly after: readonly CounterSnapshot[];
  readonly accuracy: readonly (SamplerAccuracy & { readonly host: string })[];
  /** Host monotonic times of the phases, of the controller's clock in µs since 1970. */
  readonly phases: readonly { readonly name: string; readonly atUs: number }[];
  /** Hosts in quarantine that took no part: they have no series. Absent: all took part. */
  readonly absentHosts?: readonly string[];
  /** Asked when the router fell silent; missing or null: it forwards after the load, or nobody asked. */
  readonly router?: RouterFindings | null;
}

/** A light load after something cast doubt on the router. */
export interface BaselineFound {
  readonly fps: number;
  readonly durationMs: number;
  readonly allowedLossRatio: number;
  /** Who got no answer through the router, in words; null: both flows answer. */
  readonly silence: string | null;
  readonly offeredFrames: number;
  readonly receivedFrames: number;
  /** Keys of the stored events; absent where the baseline was met. */
  readonly evidence?: readonly string[];
}

export interface ForwardingMeasurement extends MeasurementBase {
  readonly kind: "forwarding";
  /** Missing or null: nothing cast doubt on the router after the load. */
  readonly baseline?: BaselineFound | null;
  /** The path that the ledger walks, as the driver declared it at prepare. */
  readonly path: LedgerPath;
}

export interface MigrationMeasurement extends MeasurementBase {
  readonly kind: "migration";
  readonly migration: MigrationReport;
  /** Missing or null: nobody watched, its unit was looked up after its end. */
  readonly watch?: MigrationWatch | null;
  /** Of both routers' hosts and the guest; absent in measurements of old: their loss is not located. */
  readonly path?: LedgerPath;
  /** Bytes on the migration link during the migration, and the same span's idle baseline, at both ends. */
  readonly migrationLink: readonly {
    readonly host: string;
    readonly device: string;
    readonly bytes: number;
    readonly baselineBytes: number;
  }[];
}

export type Measurement = ForwardingMeasurement | MigrationMeasurement;

/** Counting points in the order a frame passes them, and the drop counters between them. `host` may be `guest`. */
export interface LedgerPath {
  readonly points: readonly {
    readonly place: string;
    readonly host: string;
    readonly device: string;
    readonly counter: "rxFrames" | "txFrames";
  }[];
  readonly drops: readonly {
    readonly place: string;
    readonly host: string;
    readonly device: string;
    readonly counter: "rxDropped" | "rxMissed" | "rxErrors" | "txDropped" | "txErrors" | "qdisc";
  }[];
}
