/** All that the end of a chaos campaign is judged by: plain data, from four witnesses. */
import type { MadeFault } from "../../model/fault.ts";
import type { TrialKind } from "../../model/trial.ts";
import type { RecoveryRow } from "../../store/recoveries.ts";
import type { Anomaly } from "../../store/audit.ts";
import type { AttemptRow, CampaignStatus, EventRow, StepRow } from "../../store/store.ts";
import type { Strike, TrialFault } from "./draw.ts";
import type { JournalLine } from "./journals.ts";

/** A strike as it really fell. */
export interface Struck {
  readonly strike: Strike;
  readonly atMs: number;
  /** When it was over: services ready again, the fault undone. */
  readonly overMs: number;
  /** null: it was a kill. */
  readonly made: MadeFault | null;
}

export interface RecordedTrial {
  readonly id: string;
  readonly kind: TrialKind;
  readonly platform: string;
  /** As drawn; null: none of its own. */
  readonly fault: TrialFault | null;
  readonly position: number;
  readonly state: string;
  readonly outcome: string | null;
  readonly judgedAttempt: number | null;
  readonly results: Readonly<Record<string, unknown>>;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly attempts: readonly AttemptRow[];
  readonly steps: readonly StepRow[];
}

/** What Temporal's histories tell. */
export interface TemporalRecord {
  readonly open: readonly string[];
  /** Of every `measure` that was ordered. */
  readonly measures: readonly { readonly trial: string; readonly attempt: number }[];
  /** Verdicts that element workflows returned. */
  readonly verdicts: readonly { readonly trial: string; readonly words: string }[];
}

export interface ChaosRecord {
  readonly planned: number;
  readonly status: CampaignStatus;
  readonly trials: readonly RecordedTrial[];
  readonly events: readonly EventRow[];
  readonly recoveries: readonly RecoveryRow[];
  readonly anomalies: readonly Anomaly[];
  readonly temporal: TemporalRecord;
  /** By host, in order. */
  readonly journals: Readonly<Record<string, readonly JournalLine[]>>;
  readonly struck: readonly Struck[];
  /** Times that nothing helped and a person was called for, with the reason. */
  readonly calls: readonly string[];
  /** What was found on hosts and machine that should not be there. */
  readonly left: readonly string[];
}
