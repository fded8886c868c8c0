/**
 * The kinds of keys that Longhaul's two files are made of. Each says in its error what would be
 * right, and carries a description for the JSON Schema and the docs.
 */
import { z } from "zod";

/** A whole number with both ends included; `unit` in the plural, as `milliseconds`. */
export const wholeNumber = (from: number, to: number, unit: string) =>
  z
    .int({ error: `a whole number of ${unit} from ${from} to ${to}` })
    .min(from, { error: `a whole number of ${unit} from ${from} to ${to}` })
    .max(to, { error: `a whole number of ${unit} from ${from} to ${to}` });

export const decimal = (from: number, to: number, unit: string) =>
  z
    .number({ error: `a number (${unit}) from ${from} to ${to}` })
    .min(from, { error: `a number (${unit}) from ${from} to ${to}` })
    .max(to, { error: `a number (${unit}) from ${from} to ${to}` });

export const flag = () => z.boolean({ error: "true or false" });

/** Text of one form; `right` says the form in words. */
export const text = (pattern: RegExp, right: string) =>
  z.string({ error: right }).regex(pattern, { error: right });

export const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  z.enum(words, { error: `one of: ${words.join(", ")}` });

/** A list without repeated entries. */
export const list = <T extends z.ZodType>(entry: T, right: string, least = 1) =>
  z
    .array(entry, { error: `a list of ${right}` })
    .min(least, { error: `a list of at least ${least} ${right}` })
    .refine(
      (entries) => new Set(entries.map((each) => JSON.stringify(each))).size === entries.length,
      {
        error: `a list of ${right}, each once`,
      },
    );

/** A mapping that refuses unknown keys and lists the known ones. */
export const keys = <T extends z.ZodRawShape>(shape: T) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `known keys: ${Object.keys(shape).join(", ")}`
        : `a mapping with the keys ${Object.keys(shape).join(", ")}`,
  });

export const name = (what: string) =>
  text(
    /^[a-z0-9][a-z0-9-]{0,39}$/,
    `${what}: 1 to 40 lower-case letters, digits and hyphens, not starting with a hyphen`,
  );
