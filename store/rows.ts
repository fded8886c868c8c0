/**
 * Between SQL's words and ours: column `offered_fps` is key `offeredFps`. Times leave as ISO 8601 in
 * UTC, bigints as numbers: counters and tokens stay below 2^53.
 */
import pg from "pg";

/** A row's columns under their camelCase names. What is inside a JSON column keeps its keys. */
export function camelRow(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [camel(column), value]));
}

export const camel = (name: string): string =>
  name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The same record under its columns' names. */
export function snakeRecord(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [snake(key), value]));
}

export const snake = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/**
 * A JSON parameter. PostgreSQL stores neither NUL nor half a surrogate pair (both occur in what a
 * console prints): each becomes U+FFFD.
 */
export function json(value: unknown): string {
  const text = JSON.stringify(value);
  if (!/\\u(0000|d[89a-f])/.test(text)) return text;
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner === "string") return storable(inner);
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).map(([key, of]) => [storable(key), of]));
  });
}

/** A text that PostgreSQL can store. */
export const storable = (text: string): string => text.replaceAll("\0", "\ufffd").toWellFormed();

export const storableOrNull = (text: string | null): string | null =>
  text === null ? null : storable(text);

const { INT8, TIMESTAMPTZ } = pg.types.builtins;
const INT8_ARRAY = 1016;
const parseTimestamp = pg.types.getTypeParser(TIMESTAMPTZ) as (text: string) => Date;

const parsers = new Map<number, (text: string) => unknown>([
  [INT8, Number],
  [INT8_ARRAY, (text) => text.slice(1, -1).split(",").filter(Boolean).map(Number)],
  [TIMESTAMPTZ, (text) => parseTimestamp(text).toISOString()],
]);

/** How values of a result row are read. Given to each connection: `pg`'s global table stays as it is. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    parsers.get(oid) ?? (pg.types.getTypeParser(oid, format) as (text: string) => unknown),
};
