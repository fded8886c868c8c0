import type { AttemptRef } from "./trial.ts";

/**
 * The 32 bits in every payload that tell this attempt's frames from any other's: FNV-1a of the
 * trial's id and the attempt (http://www.isthe.com/chongo/tech/comp/fnv/). Two attempts share a tag
 * by chance once in four billion pairs; consecutive attempts never met it in tests.
 */
export function attemptTag({ trialId, attempt }: Pick<AttemptRef, "trialId" | "attempt">): number {
  return fnv1a(`${trialId}#${attempt}`);
}

/** FNV-1a, 32 bits, over the UTF-16 code units' low bytes; ids are ASCII. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ (text.charCodeAt(index) & 0xff), 0x01000193);
  return hash >>> 0;
}
