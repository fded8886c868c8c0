/**
 * All loads of one platform and frame size, once. Its trials are named groups of steps, in the order
 * of the plan. Workflow id: the element's id.
 *
 * Changes to this file need `patched()` where a running history would replay otherwise.
 */
import { continueAsNew, setCurrentDetails } from "@temporalio/workflow";
import type { TrialEnd } from "./attempt.ts";
import { beingMeasured, sweepDetails } from "./details.ts";
import { elementRun } from "./element.ts";
import type { ElementInput, ElementResult } from "./element.ts";
import { noteVerdicts } from "./search.ts";

export async function forwardingSweep(input: ElementInput): Promise<ElementResult> {
  const { trials } = input.element;
  const ends: TrialEnd[] = [...input.ends];
  const run = elementRun(input, (_, now) => setCurrentDetails(sweepDetails(trials, ends, now)));
  for (const [index, brief] of trials.entries()) {
    if (index < ends.length) continue;
    setCurrentDetails(sweepDetails(trials, ends, beingMeasured));
    if (run.shouldContinueAsNew()) await continueAsNew<typeof forwardingSweep>(run.carried(ends));
    const end = await run.trial(brief, `trial ${index + 1}/${trials.length} · ${brief.label} · `);
    ends.push(end);
    if (run.isStopped()) break;
  }
  setCurrentDetails(sweepDetails(trials, ends, null));
  noteVerdicts(ends);
  return run.result(ends);
}
