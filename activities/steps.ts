/**
 * Around every act on a trial: its row in the store, its failure as the workflow reads it, and, for all
 * but `measure`, a heartbeat which says that the worker lives. (In `measure` a heartbeat means progress
 * of the trial, and only the act itself knows of that.)
 */
import { activityInfo, Context, log } from "@temporalio/activity";
import type { AttemptRef } from "../model/trial.ts";
import type { StepRow, Store } from "../store/store.ts";
import { asFailure, cancellationIn } from "./failures.ts";
import { withParts } from "./parts.ts";

const beatMs = 2000;

type TrialAct<Rest extends unknown[], Result> = (ref: AttemptRef, ...rest: Rest) => Promise<Result>;

const running = new Map<string, Promise<unknown>>();

/** One run of an act at a time in this worker: a retry waits until the run that Temporal gave up has ended. */
export function oneAtATime<Result>(key: string, act: () => Promise<Result>): Promise<Result> {
  const earlier = running.get(key);
  const run = Promise.race([earlier, Context.current().cancelled]).then(act);
  const settled = Promise.allSettled([earlier, run]);
  running.set(key, settled);
  void settled.then(() => running.get(key) === settled && running.delete(key));
  return run;
}

/** Gives an act's failure the type that the workflow decides by. */
const typed =
  <Given extends unknown[], Result>(act: (...given: Given) => Promise<Result>) =>
  async (...given: Given): Promise<Result> => {
    try {
      return await act(...given);
    } catch (error) {
      throw asFailure(error);
    }
  };

/** `typed`, and says every two seconds that the worker lives. */
export const alive = <Given extends unknown[], Result>(act: (...given: Given) => Promise<Result>) =>
  typed(async (...given: Given): Promise<Result> => {
    const beat = setInterval(() => Context.current().heartbeat(), beatMs);
    try {
      return await act(...given);
    } finally {
      clearInterval(beat);
    }
  });

export function recorded<Rest extends unknown[], Result>(
  store: Pick<Store, "putStep">,
  name: string,
  act: TrialAct<Rest, Result>,
): TrialAct<Rest, Result> {
  const once: TrialAct<Rest, Result> = (ref, ...rest) =>
    oneAtATime(`${ref.trialId}#${ref.attempt}:${name}`, () =>
      withRow(store, name, ref, () => act(ref, ...rest)),
    );
  return name === "measure" ? typed(once) : alive(once);
}

async function withRow<Result>(
  store: Pick<Store, "putStep">,
  name: string,
  ref: AttemptRef,
  act: () => Promise<Result>,
): Promise<Result> {
  const parts: Record<string, number> = {};
  const begun: StepRow = {
    attempt: ref.attempt,
    name,
    retry: activityInfo().attempt,
    outcome: "running",
    detail: null,
    parts,
    startedAt: new Date().toISOString(),
    endedAt: null,
  };
  // The act need not wait for it: where the store is away, the act itself finds that out first.
  const noted = store.putStep(ref, begun).catch((error: unknown) => {
    log.warn("the begin of a step was not stored", { ...ref, step: name, error: String(error) });
  });
  const end = async (outcome: StepRow["outcome"], detail: string | null) => {
    try {
      await noted;
      await store.putStep(ref, { ...begun, outcome, detail, endedAt: new Date().toISOString() });
    } catch (error) {
      // The act's own end counts for more than its row, which stays `running` then.
      log.warn("the end of a step was not stored", { ...ref, step: name, error: String(error) });
    }
  };
  try {
    const result = await withParts(act, parts).done;
    await end("completed", null);
    return result;
  } catch (error) {
    if (cancellationIn(error) === null) await end("failed", errorWords(error));
    else await end(...cancelledBecause());
    throw error;
  }
}

/** Why the running activity was told to stop; only a wish of the campaign is a cancellation. */
function cancelledBecause(): [StepRow["outcome"], string] {
  const details = Context.current().cancellationDetails;
  if (details?.workerShutdown === true) return ["unknown", "the worker was told to stop"];
  if (details?.timedOut === true || details?.notFound === true)
    return ["unknown", "Temporal had given this run up"];
  return ["cancelled", "the campaign cancelled it"];
}

function errorWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? "" : `\ncaused by: ${errorWords(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
