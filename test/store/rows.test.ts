import fc from "fast-check";
import pg from "pg";
import { expect, test } from "vitest";
import {
  camel,
  camelRow,
  columnTypes,
  json,
  snake,
  snakeRecord,
  storable,
} from "../../store/rows.ts";

test("a column's name is its key in snake_case, units and figures included", () => {
  expect(snakeRecord({ gapP999Us: 1, achievedP50Ms: 2, frameSizeBytes: 3 })).toEqual({
    gap_p999_us: 1,
    achieved_p50_ms: 2,
    frame_size_bytes: 3,
  });
});

test("a row's columns are renamed, the keys inside its JSON are not", () => {
  expect(camelRow({ boot_ids: { R1_x: "a_b" }, ended_at: null })).toEqual({
    bootIds: { R1_x: "a_b" },
    endedAt: null,
  });
});

test("every camelCase name survives the way to SQL and back", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]*([A-Z][a-z0-9]+)*$/);
  fc.assert(fc.property(name, (key) => camel(snake(key)) === key));
});

test("JSON holds no NUL and no half of a surrogate pair, and is otherwise what was given", () => {
  const anything = fc.jsonValue({ stringUnit: "binary" });
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(anything, text, (value, extra) => {
      const back: unknown = JSON.parse(json({ value, extra }));
      expect(JSON.stringify(back)).not.toMatch(/\\u(0000|d[89a-f])/);
      expect((back as { extra: string }).extra).toBe(storable(extra));
    }),
  );
  expect(json({ a: "\0\ud800x\\u0000" })).toBe('{"a":"\ufffd\ufffdx\\\\u0000"}');
});

test.each([
  [pg.types.builtins.INT8, "9007199254740991", 9_007_199_254_740_991],
  [1016, "{}", []],
  [1016, "{1,-2,3}", [1, -2, 3]],
  [pg.types.builtins.TIMESTAMPTZ, "2026-01-02 04:04:05.678+01", "2026-01-02T03:04:05.678Z"],
])("type %i reads %s", (oid, text, value) => {
  const read = columnTypes.getTypeParser(oid, "text") as (text: string) => unknown;
  expect(read(text)).toEqual(value);
});
