import { expect, test, vi } from "vitest";
import { UsageError } from "../../model/usage-error.ts";
import { patiently } from "../../workers/patience.ts";

/** Notes what a wait says, in order. */
function heard(stop = new AbortController()) {
  const lines: string[] = [];
  const told: (string | null)[] = [];
  return {
    lines,
    told,
    stop,
    waiting: {
      signal: stop.signal,
      log: (line: string) => void lines.push(line),
      tell: (what: string, waitsFor: { words: string; isFinal: boolean } | null) =>
        void told.push(
          waitsFor && `${what}, ${waitsFor.isFinal ? "final" : "passing"}: ${waitsFor.words}`,
        ),
    },
  };
}
/** Fails with each of these in turn, then succeeds. */
const failing = (...errors: Error[]) => {
  const left = [...errors];
  return vi.fn(async () => {
    const error = left.shift();
    if (error) throw error;
    return "rows";
  });
};

test("a server that is away is tried again until it is there; each reason is said once", async () => {
  const { waiting, lines, told } = heard();
  const attempt = failing(new Error("refused"), new Error("refused"), new Error("starting"));
  expect(await patiently("PostgreSQL", waiting, attempt)).toBe("rows");
  expect(attempt).toHaveBeenCalledTimes(4);
  expect(lines).toEqual([
    "PostgreSQL: waiting, as refused",
    "PostgreSQL: waiting, as starting",
    "PostgreSQL: it is there again",
  ]);
  expect(told).toEqual([
    "PostgreSQL, passing: PostgreSQL: refused",
    "PostgreSQL, passing: PostgreSQL: starting",
    null,
  ]);
});

test("a wait that only a person can end is told as one, and goes on until they have", async () => {
  const { waiting, told } = heard();
  const attempt = failing(new UsageError("a newer Longhaul wrote it"));
  expect(await patiently("PostgreSQL", waiting, attempt)).toBe("rows");
  expect(told).toEqual(["PostgreSQL, final: PostgreSQL: a newer Longhaul wrote it", null]);
});

test("who finds the server there at once says nothing", async () => {
  const { waiting, lines, told } = heard();
  expect(await patiently("Temporal", waiting, failing())).toBe("rows");
  expect([...lines, ...told]).toEqual([]);
});

test("who is told to end waits no longer", async () => {
  const { waiting, stop } = heard();
  setTimeout(() => stop.abort(), 20);
  const attempt = failing(...Array<Error>(9).fill(new Error("away")));
  await expect(patiently("Temporal", waiting, attempt)).rejects.toThrow(/abort/);
  expect(attempt).toHaveBeenCalledTimes(1);
});
