/** Whether a migration under way makes progress, from what was seen of it. Pure. */
import type { HangRule } from "../model/hang.ts";
import type { ProgressSample, ProgressVerdict } from "../model/watch.ts";

export type ProgressRule = Pick<HangRule, "windowMs" | "progressRatio">;

export interface ProgressJudgement {
  readonly verdict: ProgressVerdict;
  /** When progress was last seen; null while it is seen, or too little was seen to judge. */
  readonly sinceUs: number | null;
}

/**
 * Retransmissions, window probes and ARP go on over a link that carries nothing: one full-size frame
 * for each of the few timeouts in a window (RFC 6298 doubles them). Less than this is no growth.
 */
export const linkNoiseBytes = 65_536;

const progressing: ProgressJudgement = { verdict: "progressing", sinceUs: null };

/**
 * Judges at the moment of the last sample; samples ascending in time. No progress: the least remainder
 * inside the window is not below `progressRatio` of the least one before it. Then `stalled` when
 * neither the transferred bytes nor those on the link grew inside the window, `not-converging`
 * otherwise. Growth in its older half alone is no verdict yet: what stopped in the midst of the window
 * is `stalled` once the window is past it. A platform that never shows a remainder can only be judged `stalled`. Samples that reach
 * back less than the window are no reason for any verdict.
 */
export function judgeProgress(
  samples: readonly ProgressSample[],
  { windowMs, progressRatio }: ProgressRule,
): ProgressJudgement {
  const last = samples.at(-1);
  if (last === undefined) return progressing;
  const startUs = last.atUs - windowMs * 1000;
  const split = samples.findLastIndex(({ atUs }) => atUs <= startUs) + 1;
  if (split === 0) return progressing;
  const before = samples.slice(0, split);
  const inside = samples.slice(split);
  const window = [lastKnown(before), ...inside];
  const remaining = leastRemaining(before);
  if (remaining === null) {
    const grew = growth(window);
    // A remainder that was first seen inside the window is news in itself; without any, growth decides.
    return grew === false && leastRemaining(inside) === null
      ? { verdict: "stalled", sinceUs: lastMove(samples) }
      : progressing;
  }
  const now = leastRemaining(inside);
  if (now !== null && now.bytes < progressRatio * remaining.bytes) return progressing;
  // From what was last known before the window on: what came beyond it moved inside.
  if (growth(window) !== true) return { verdict: "stalled", sinceUs: lastMove(samples) };
  const halfUs = last.atUs - windowMs * 500;
  const recent = growth(inside.filter(({ atUs }) => atUs > halfUs));
  return recent === false ? progressing : { verdict: "not-converging", sinceUs: remaining.atUs };
}

/** The judgement of the first moment at which progress was found missing; that of the last sample otherwise. */
export function firstHang(
  samples: readonly ProgressSample[],
  rule: ProgressRule,
): ProgressJudgement {
  // What lies before the window is thinned as it passes, so that each moment costs one window.
  let kept: readonly ProgressSample[] = [];
  for (const [index, sample] of samples.entries()) {
    kept = thinned([...kept, sample], sample.atUs - rule.windowMs * 1000);
    // Since when is told by all samples.
    if (judgeProgress(kept, rule).verdict !== "progressing")
      return judgeProgress(samples.slice(0, index + 1), rule);
  }
  return progressing;
}

/** Before the window's start only the least remainder, the last counters and the last sample can still decide. */
export function thinned(samples: readonly ProgressSample[], startUs: number): ProgressSample[] {
  const split = samples.findLastIndex(({ atUs }) => atUs <= startUs) + 1;
  const before = samples.slice(0, split);
  const leastBytes = leastRemaining(before)?.bytes;
  const needed = new Set([
    before.find(({ remainingBytes }) => remainingBytes !== null && remainingBytes === leastBytes),
    before.findLast(({ transferredBytes }) => transferredBytes !== null),
    before.findLast(({ linkBytes }) => linkBytes !== null),
    before.at(-1),
  ]);
  return [...before.filter((sample) => needed.has(sample)), ...samples.slice(split)];
}

/** Each counter as it was last told: not every sample tells both. */
function lastKnown(before: readonly ProgressSample[]): CounterValues {
  const last = (counter: keyof CounterValues) =>
    before.findLast((sample) => sample[counter] !== null)?.[counter] ?? null;
  return { transferredBytes: last("transferredBytes"), linkBytes: last("linkBytes") };
}

type CounterValues = Pick<ProgressSample, "transferredBytes" | "linkBytes">;

const noiseOf = { transferredBytes: 0, linkBytes: linkNoiseBytes } as const;

/** Whether either counter grew over these samples by more than its noise; null: neither was told twice. */
function growth(samples: readonly CounterValues[]): boolean | null {
  const grown = (["transferredBytes", "linkBytes"] as const).map((counter) => {
    const known = samples.map((sample) => sample[counter]).filter((bytes) => bytes !== null);
    const [first] = known;
    const last = known.at(-1);
    if (first === undefined || last === undefined || known.length < 2) return null;
    return last - first > noiseOf[counter];
  });
  if (grown.every((one) => one === null)) return null;
  return grown.includes(true);
}

function leastRemaining(
  samples: readonly ProgressSample[],
): { readonly bytes: number; readonly atUs: number } | null {
  return samples.reduce<{ bytes: number; atUs: number } | null>(
    (least, { remainingBytes: bytes, atUs }) =>
      bytes !== null && (least === null || bytes < least.bytes) ? { bytes, atUs } : least,
    null,
  );
}

/** The first sample that already had what the last one has: from there on nothing moved. */
function lastMove(samples: readonly ProgressSample[]): number | null {
  const since = (counter: keyof typeof noiseOf): number => {
    const known = samples.filter((sample) => sample[counter] !== null);
    const end = known.at(-1)?.[counter] ?? 0;
    const index = known.findIndex((sample) => (sample[counter] ?? 0) >= end - noiseOf[counter]);
    // Where it stood from the first time it was told, it never moved in sight.
    return index > 0 ? (known[index]?.atUs ?? -Infinity) : -Infinity;
  };
  const first = samples[0]?.atUs;
  return first === undefined
    ? null
    : Math.max(first, since("transferredBytes"), since("linkBytes"));
}
