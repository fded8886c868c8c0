/** When a measurement that shows no progress is called a hang, and how soon that must be found. */
import type { Campaign } from "./campaign.ts";

export interface Hang {
  /** Without progress for this long; null: by the guest's memory. */
  readonly windowMs: number | null;
  /** Progress is a least remainder below this ratio of the least one before. */
  readonly progressRatio: number;
  readonly probeIntervalMs: number;
  /** A toolstack that leaves one question unanswered for so long hangs itself. */
  readonly questionTimeoutMs: number;
}

export const defaultHang: Hang = {
  windowMs: null,
  progressRatio: 0.96,
  probeIntervalMs: 1000,
  questionTimeoutMs: 5000,
};

/** What the judges go by. */
export interface HangRule extends Hang {
  readonly windowMs: number;
  /** A migration without progress is found this long after its last one. */
  readonly boundMs: number;
  /** A toolstack that went silent is found this long after its last answer. */
  readonly apiBoundMs: number;
}

/**
 * The window is max(5 s, 40 s × guest memory / 256 MiB) unless the campaign sets it. A campaign that
 * an older version planned has no `hang`; the defaults stand in.
 */
export function hangRule({
  guest,
  hang = defaultHang,
}: Pick<Campaign, "guest"> & { readonly hang?: Hang }): HangRule {
  const windowMs = hang.windowMs ?? Math.max(5000, Math.ceil((40_000 * guest.memoryMib) / 256));
  return {
    ...hang,
    windowMs,
    boundMs: windowMs + hang.probeIntervalMs,
    apiBoundMs: hang.questionTimeoutMs + hang.probeIntervalMs,
  };
}
