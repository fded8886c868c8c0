/** The acts of a trial on the scripted bench, each as the worker runs it. */
import { expect } from "vitest";
import { trialActs } from "../../activities/trials.ts";
import { quietActivity } from "./quiet-activity.ts";
import type { Script } from "./scripted-bench.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";

type Acts = ReturnType<typeof trialActs>;
async function act<Result>(script: Script, of: (acts: Acts) => Promise<Result>) {
  const scripted = scriptedBench(script);
  const result = await quietActivity().run(() => of(trialActs(scripted.deps)));
  return { ...scripted, result };
}
export const prepare = (script: Script) => act(script, (acts) => acts.prepare(ref));
export const collect = (script: Script) => act(script, (acts) => acts.collect(ref));
export const restore = (script: Script) => act(script, (acts) => acts.restore(ref));
export const before = (journal: readonly string[], first: string, second: string) => {
  expect(journal).toContain(first);
  expect(journal).toContain(second);
  expect(journal.indexOf(first)).toBeLessThan(journal.indexOf(second));
};
