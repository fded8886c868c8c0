/** Search attributes as the SDK wants them, from the names and types in the model. */
import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import type { SearchAttributePair } from "@temporalio/common";
import { upsertSearchAttributes } from "@temporalio/workflow";
import type { searchAttributes } from "../model/search-attributes.ts";
import type { SearchAttribute } from "../model/search-attributes.ts";
import type { TrialEnd } from "./attempt.ts";

type Values = {
  readonly [Name in SearchAttribute]?: (typeof searchAttributes)[Name] extends "Int"
    ? number
    : string;
};

/** Pairs of key and value; every upsert of them is one event of the history. */
export const attributes = (values: Values): SearchAttributePair[] =>
  Object.entries(values).map(([name, value]) =>
    typeof value === "number"
      ? { key: defineSearchAttributeKey(name, SearchAttributeType.INT), value }
      : { key: defineSearchAttributeKey(name, SearchAttributeType.KEYWORD), value },
  );

/** Makes an element's verdict and outcome searchable: `mixed` when its trials differ. */
export function noteVerdicts(ends: readonly TrialEnd[]): void {
  const one = (values: readonly string[]): string => {
    const [first, ...others] = [...new Set(values)];
    return first === undefined ? "none" : others.length === 0 ? first : "mixed";
  };
  upsertSearchAttributes(
    attributes({
      LhVerdict: one(ends.map((end) => end.verdict)),
      LhOutcome: one(ends.flatMap((end) => (end.verdict === "valid" ? [end.outcome] : []))),
      LhDone: ends.filter(({ verdict }) => ["valid", "invalid", "skipped"].includes(verdict))
        .length,
    }),
  );
}
