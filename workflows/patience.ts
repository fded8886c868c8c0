/** Waiting for what an act needs and what is away: nothing is lost by it. */
import { isCancellation, sleep } from "@temporalio/workflow";
import { faultOf } from "./faults.ts";

/** The supervisor has a store back within seconds; a lab is brought up by a person. */
const firstPauseMs = 2000;
const longestPauseMs = 30_000;

/** Repeats an act for as long as its failure says that the store or the testbed is away. */
export async function patiently<Result>(run: () => Promise<Result>): Promise<Result> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await run();
    } catch (error) {
      const fault = faultOf(error);
      if (isCancellation(error) || fault.kind !== "away") throw error;
      await sleep(pauseMs, { summary: `waiting: ${fault.reason}`.slice(0, 180) });
    }
  }
}
