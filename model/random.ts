/**
 * Deterministic random order from a stored seed. SplitMix64: Steele, Lea, Flood, "Fast Splittable
 * Pseudorandom Number Generators", OOPSLA 2014; constants as in Vigna's public-domain splitmix64.c.
 * The same seed gives the same order on every machine and version: changing this changes plans.
 */
const mask = (1n << 64n) - 1n;
const golden = 0x9e3779b97f4a7c15n;

export interface Random {
  /** The next 64 bits. */
  readonly next: () => bigint;
  /** A whole number from 0 to `bound` − 1, without modulo bias. */
  readonly below: (bound: number) => number;
  /** A new list in random order (Fisher–Yates). */
  readonly shuffle: <T>(items: readonly T[]) => T[];
}

export function random(seed: bigint): Random {
  let state = seed & mask;
  return { next, below, shuffle };

  function next(): bigint {
    state = (state + golden) & mask;
    return mix(state);
  }

  function below(bound: number): number {
    const range = BigInt(bound);
    const rest = (mask + 1n) % range;
    // Draws above the highest multiple of the bound would favour small numbers.
    for (;;) {
      const draw = next();
      if (draw <= mask - rest) return Number(draw % range);
    }
  }

  function shuffle<T>(items: readonly T[]): T[] {
    const shuffled = [...items];
    for (let last = shuffled.length - 1; last > 0; last -= 1) {
      const other = below(last + 1);
      [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
    }
    return shuffled;
  }
}

/** A stream of its own for each block, so that more repetitions leave the earlier blocks' order as it is. */
export const blockRandom = (seed: number, repetition: number): Random =>
  random(mix((BigInt(seed) + golden) & mask) ^ mix((BigInt(repetition) * golden) & mask));

function mix(value: bigint): bigint {
  let z = value;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return z ^ (z >> 31n);
}
