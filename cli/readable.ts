/** Stored JSON in lines for people: plain values together in one, what is nested below its key, what is deep only named. */

type Line = readonly [key: string, text: string];

const deepest = 2;
const longest = 140;

/** `key` stands before the values of `value` itself; nested ones are `key.inner`. */
export function readableLines(key: string, value: unknown, depth = 0): readonly Line[] {
  if (!isNested(value)) return [[key, plain(value)]];
  const entries = Object.entries(value);
  const plains = entries.filter(([, inner]) => !isNested(inner));
  const nested = entries.filter(([, inner]) => isNested(inner));
  const names = Array.isArray(value)
    ? plains.map(([, inner]) => plain(inner))
    : plains.map(([name, inner]) => `${name} ${plain(inner)}`);
  const own: Line[] = names.length === 0 ? [] : [[key, cut(names.join(", "))]];
  if (depth < deepest)
    return [
      ...own,
      ...nested.flatMap(([name, inner]) =>
        readableLines(key === "" ? name : `${key}.${name}`, inner, depth + 1),
      ),
    ];
  if (nested.length === 0) return own;
  const what = Array.isArray(value)
    ? `${nested.length} entries`
    : `with ${nested.map(([name]) => name).join(" ")}`;
  return [...own, [key, cut(what)]];
}

const isNested = (value: unknown): value is object => typeof value === "object" && value !== null;

const plain = (value: unknown): string =>
  value === null ? "–" : typeof value === "string" ? value : JSON.stringify(value);

const cut = (text: string): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`;
