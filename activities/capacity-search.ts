/** The highest load that is forwarded without loss, between bounds, by bisection. */

export interface CapacityBounds {
  readonly highestFps: number;
  /** Below this share of `highestFps` the search gives up. */
  readonly lowestRatio: number;
  /** The search ends when the bounds are this close, relative to the upper one. */
  readonly precisionRatio: number;
}

/**
 * `isLossless` measures one load. A load that lost frames is tried once more: on shared cores a single
 * short trial loses some by a neighbour's doing. Takes at most
 * 2 × (1 + ⌈log2(1 / lowestRatio)⌉ + ⌈log2(1 / precision)⌉) trials: first the upper bound is halved
 * until a load passes, then the bounds close in. null: even the lowest load lost frames.
 */
export async function searchCapacity(
  { highestFps, lowestRatio, precisionRatio }: CapacityBounds,
  isLossless: (fps: number) => Promise<boolean>,
): Promise<number | null> {
  const passes = async (fps: number) => (await isLossless(fps)) || isLossless(fps);
  if (await passes(highestFps)) return highestFps;
  let low = 0;
  let high = highestFps;
  while (high - low > precisionRatio * high && high > lowestRatio * highestFps) {
    const middle = Math.round((low + high) / 2);
    if (await passes(middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? null : low;
}
