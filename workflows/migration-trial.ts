/**
 * One migration under load: the trial is the workflow, and its id is the trial's id.
 *
 * Changes to this file need `patched()` where a running history would replay otherwise.
 */
import { setCurrentDetails } from "@temporalio/workflow";
import { beingMeasured, migrationDetails } from "./details.ts";
import { elementRun } from "./element.ts";
import type { ElementInput, ElementResult } from "./element.ts";
import { noteVerdicts } from "./search.ts";

export async function migrationTrial(input: ElementInput): Promise<ElementResult> {
  const run = elementRun(input, (brief, now) => setCurrentDetails(migrationDetails(brief, now)));
  const ends = [];
  for (const brief of input.element.trials) {
    setCurrentDetails(migrationDetails(brief, beingMeasured));
    const end = await run.trial(brief, "");
    setCurrentDetails(migrationDetails(brief, end));
    ends.push(end);
  }
  noteVerdicts(ends);
  return run.result(ends);
}
