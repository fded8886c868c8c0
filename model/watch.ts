/** What was seen of a migration under way and of a router that fell silent: findings, not yet verdicts. */
import type { GuestState } from "./guest.ts";

/** One look at a migration. Times of the source host's clock; null: not told at that moment. */
export interface ProgressSample {
  readonly atUs: number;
  readonly remainingBytes: number | null;
  readonly transferredBytes: number | null;
  readonly iteration: number | null;
  /** Sent on the migration link by its source, absolute. */
  readonly linkBytes: number | null;
}

export const progressVerdicts = ["progressing", "not-converging", "stalled"] as const;
export type ProgressVerdict = (typeof progressVerdicts)[number];

/** Whether a host stayed up: `booted` lost its power meanwhile, `silent` does not say. */
export interface HostBoot {
  readonly host: string;
  readonly state: "same" | "booted" | "silent";
}

/** How a migration was watched, and how the watching ended. */
export interface MigrationWatch {
  readonly verdict: ProgressVerdict | "api-hung";
  readonly reason: string | null;
  readonly windowMs: number;
  /** Of the judge that decided; of the progress judge while nothing hung. */
  readonly boundMs: number;
  /** From the last progress (or answer) seen to the verdict; null without a hang. */
  readonly detectionTimeMs: number | null;
  /** From the verdict to the migration's end; null without a hang. */
  readonly endedAfterMs: number | null;
  /** What cancelling it did: `done`, or why it could not be done; null without a hang. */
  readonly abort: string | null;
  /** The last ones before the verdict. */
  readonly samples: readonly ProgressSample[];
  /** Both hosts of the migration after an end that was not clean. */
  readonly hosts: readonly HostBoot[];
  /** Keys of the stored events. */
  readonly evidence: readonly string[];
}

export type Answer = "answers" | "silent";

/** Time that the guest's virtual CPUs had of a real one over a span. */
export interface VcpuSpan {
  readonly spanMs: number;
  readonly ranMs: number;
  /** Ready to run, while the host's CPUs were taken. */
  readonly waitedMs: number;
  /** Of the one that wanted most, both together; missing: an older version told the sums alone. */
  readonly busiestMs?: number;
}

/** A router asked by probes of different kinds. null: that kind of probe does not exist there. */
export interface RouterFindings {
  /** Controller's wall clock when it was found; missing in findings of an older version. */
  readonly atUs?: number;
  readonly host: string;
  /** The platform's word; null: it did not answer. */
  readonly state: GuestState | null;
  readonly otherHost: { readonly host: string; readonly state: GuestState | null };
  /** Probe frames through the router, A→B and C→D, both ways. */
  readonly forwarding: Answer | null;
  readonly arp: Answer | null;
  /** Segments on which it was not answered; missing: on none, or an older version asked on `a` alone. */
  readonly arpSilentOn?: readonly string[];
  /** Echo requests to the router's own address. Alone it decides nothing. */
  readonly ping: Answer | null;
  /** Uptimes in seconds that the guest's console told, in its order. */
  readonly heartbeatS: readonly number[] | null;
  /** Whether new heartbeats came while it was watched. */
  readonly heartbeat: Answer | null;
  readonly panicked: boolean;
  /** A command in the guest; `forwards-nothing`: it answers, takes frames in and forwards none. */
  readonly guestCommand: Answer | "forwards-nothing" | null;
  readonly vcpu: VcpuSpan | null;
  readonly bootId: { readonly before: string | null; readonly after: string | null };
  readonly hosts: readonly HostBoot[];
  readonly evidence: readonly string[];
}
