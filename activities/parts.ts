/**
 * Where the time of an act goes: named parts, added up in the surrounding `withParts`. Nothing is
 * passed through the functions in between.
 */
import { AsyncLocalStorage } from "node:async_hooks";

const current = new AsyncLocalStorage<Record<string, number>>();

/** Runs `work` as a named part of the act around it. Parts that run side by side overlap; a name used twice adds up. Milliseconds. */
export async function part<T>(name: string, work: () => Promise<T>): Promise<T> {
  const parts = current.getStore();
  const start = performance.now();
  try {
    return await work();
  } finally {
    if (parts !== undefined)
      parts[name] = Math.round(((parts[name] ?? 0) + performance.now() - start) * 10) / 10;
  }
}

/** Runs an act; `parts` fills while it runs and is whole when it has ended, however it ended. */
export function withParts<T>(
  work: () => Promise<T>,
  parts: Record<string, number> = {},
): { readonly done: Promise<T>; readonly parts: Readonly<Record<string, number>> } {
  return { done: current.run(parts, work), parts };
}
