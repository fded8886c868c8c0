/** A campaign as its file describes it, after validation and defaults. Shapes only; the schema stands beside it. */
import type { Hang } from "./hang.ts";
import type { Health } from "./health.ts";
import type { PowerCycles } from "./power-cycles.ts";
import type { PlannedFault } from "./fault-plan.ts";
import type { Direction } from "./trial.ts";

/** One grammar for loads. `idle` is a migration's probe stream and the RTT flow only. */
export type Load =
  | { readonly fps: number }
  | { readonly mbpsL1: number }
  | { readonly mbpsL2: number }
  | { readonly ofLineRate: number }
  | { readonly ofCapacity: number }
  | { readonly idle: true };

/** RFC 2544 §23, a–e. The defaults are the RFC's; a deviation is stored and printed. */
export interface Phases {
  readonly settleMs: number;
  readonly learnMs: number;
  readonly trialMs: number;
  readonly drainMs: number;
  readonly restMs: number;
}

export interface ForwardingPart {
  readonly platforms: readonly string[];
  readonly frameSizesBytes: readonly number[];
  readonly loads: readonly Load[];
}

export interface MigrationPart extends ForwardingPart {
  /** `alternate`: a platform's migrations go there and back in their order of execution. Otherwise a level. */
  readonly directions: "alternate" | readonly Direction[];
}

export interface Campaign {
  readonly name: string;
  readonly seed: number;
  readonly repetitions: number;
  readonly beyondTestbed: "refuse" | "omit";
  readonly phases: Phases;
  readonly forwarding: readonly ForwardingPart[];
  readonly migration: readonly MigrationPart[];
  readonly guest: {
    readonly image: string;
    readonly memoryMib: number;
    readonly vcpus: number;
    readonly routing: string;
  };
  readonly tolerance: {
    /** Relative miss of the intended load beyond which an attempt is invalid. */
    readonly offeredLoadRatio: number;
    /** Unexplained frames relative to those sent, beyond which an attempt is invalid. */
    readonly unexplainedRatio: number;
    /** Busy share of any one host's CPUs beyond which an attempt is invalid; null: covariate only. */
    readonly hostLoadRatio: number | null;
    /** A sampler's p99 interval beyond this makes an attempt invalid; null: flagged only. */
    readonly samplingP99Ms: number | null;
  };
  readonly samplingIntervalMs: number;
  readonly rttIntervalMs: number;
  readonly keepRaw: boolean;
  readonly attemptLimit: number;
  /** How hangs are found. */
  readonly hang: Hang;
  /** What a router must do before it is measured on after a recovery; absent: the defaults of model/health.ts. */
  readonly health?: Health | undefined;
  /** When a host is given up instead of being power-cycled once more; absent: the default of model/power-cycles.ts. */
  readonly powerCycles?: PowerCycles | undefined;
  /** A migration is aborted when it has run this long, whatever its watcher thinks of it. */
  readonly migrationDeadlineMs: number;
  /** Watched before and after a migration, under load. Also the length of the control window. */
  readonly migrationMarginMs: number;
  /** Rate of the probe stream of an `idle` migration. */
  readonly idleProbeFps: number;
  /** Absent in a campaign that disturbs none of its trials. */
  readonly faults?: readonly PlannedFault[] | undefined;
}

/** Every frame size that it measures at, each once; none of no campaign. */
export const frameSizesOf = (campaign: Campaign | null): readonly number[] => [
  ...new Set(
    [...(campaign?.forwarding ?? []), ...(campaign?.migration ?? [])].flatMap(
      ({ frameSizesBytes }) => frameSizesBytes,
    ),
  ),
];
