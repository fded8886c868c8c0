/** Reads one of Longhaul's YAML files: every mistake at once, each with its line, key, value and what would be right. */
import { isMap, LineCounter, parseDocument, type Document } from "yaml";
import type { z } from "zod";
import { UsageError } from "./usage-error.ts";

type Path = readonly PropertyKey[];

/** @throws {UsageError} one line for each mistake: `file line n: key is value; expected …`. */
export function parseYaml<T extends z.ZodType>(text: string, file: string, schema: T): z.output<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  const flaws = [...document.errors, ...document.warnings];
  if (flaws.length > 0) {
    throw new UsageError(
      flaws
        .map(({ pos, message }) => {
          const { line } = lines.linePos(pos[0]);
          const source = text.split("\n")[line - 1]?.trim() ?? "";
          return `${file} line ${line}: ${sentence(message)}: ${source}`;
        })
        .join("\n"),
    );
  }
  const content = plain(document, file);
  const result = schema.safeParse(content);
  if (result.success) return result.data;
  const where = (path: Path) => `${file} line ${lineOf(document, lines, path)}`;
  throw new UsageError(
    result.error.issues
      .flatMap((issue) => mistakes(issue, [], content))
      .map(({ path, words }) => `${where(path)}: ${words}`)
      .join("\n"),
  );
}

function plain(document: Document, file: string): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // An alias without its anchor, or a nest of aliases that grows beyond all bounds.
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

/** The parser's message shows the source under it; its first line says what is wrong. */
const sentence = (message: string) => (message.split("\n")[0] ?? "").replace(/ at line .*$/, "");

interface Mistake {
  readonly path: Path;
  readonly words: string;
}

function mistakes(issue: z.core.$ZodIssue, base: Path, content: unknown): readonly Mistake[] {
  const path = [...base, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      words: `${keyPath([...path, key])} is not a key here (value ${shown(at(content, [...path, key]))}); ${issue.message}`,
    }));
  }
  if (issue.code === "invalid_union") {
    const branch = meantBranch(issue.errors);
    if (branch) return branch.flatMap((inner) => mistakes(inner, path, content));
  }
  const value = at(content, path);
  const was = value === undefined ? "is missing" : `is ${shown(value)}`;
  return [{ path, words: `${keyPath(path) || "the file"} ${was}; expected ${issue.message}` }];
}

/** The branch of a union that has the right keys with a wrong value; null when no branch is clearly meant. */
function meantBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
): readonly z.core.$ZodIssue[] | null {
  const fits = branches.filter((issues) =>
    issues.every((issue) => issue.path.length > 0 && issue.code !== "unrecognized_keys"),
  );
  return fits.length === 1 ? (fits[0] ?? null) : null;
}

const at = (content: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    content,
  );

/** `forwarding[0].loads[1].fps` */
const keyPath = (path: Path): string =>
  path.reduce<string>((before, key) => {
    if (typeof key === "number") return `${before}[${key}]`;
    return before === "" ? String(key) : `${before}.${String(key)}`;
  }, "");

const longestValue = 80;
function shown(value: unknown): string {
  // JSON has no word for these two; YAML has.
  const json =
    typeof value === "number" && !Number.isFinite(value)
      ? String(value)
      : (JSON.stringify(value) ?? String(value));
  return json.length <= longestValue ? json : `${json.slice(0, longestValue)}…`;
}

/** Line of the key, or of the nearest thing around it that the file has. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent: unknown =
      length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find((item) => String(item.key) === String(key));
      const start = (pair?.key as { range?: readonly number[] } | undefined)?.range?.[0];
      if (start !== undefined) return lines.linePos(start).line;
    } else {
      const node: unknown = document.getIn(path.slice(0, length), true);
      const start = (node as { range?: readonly number[] } | undefined)?.range?.[0];
      if (start !== undefined) return lines.linePos(start).line;
    }
  }
  return 1;
}
