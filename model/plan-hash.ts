/** The identity of a plan. Stands apart because workflows may not load node:crypto. */
import { createHash } from "node:crypto";
import type { Campaign } from "./campaign.ts";
import type { PlannedTrial } from "./trial.ts";

/**
 * SHA-256 of expanded trials, parameters, seed and testbed name; not of the file's bytes: comments,
 * order of keys and spelled-out defaults do not matter.
 */
export function planHash(
  campaign: Campaign,
  testbed: string,
  trials: readonly PlannedTrial[],
): string {
  return createHash("sha256").update(canonicalJson({ campaign, testbed, trials })).digest("hex");
}

/** JSON with sorted keys and without spaces. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value)
      .filter(([, content]) => content !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, content]) => `${JSON.stringify(key)}:${canonicalJson(content)}`).join(",")}}`;
  }
  return JSON.stringify(value);
}
