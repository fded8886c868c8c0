import type { TrialActs } from "../workflows/acts.ts";
import { collect } from "./collect.ts";
import type { TrialDeps } from "./deps.ts";
import { judge, rejectAttempt } from "./judge.ts";
import { locate } from "./locate.ts";
import { measureForwarding } from "./measure-forwarding.ts";
import { measureMigration } from "./measure-migration.ts";
import { prepare } from "./prepare.ts";
import { restore } from "./restore.ts";
import { fenceOf, migrationOf, setupOf } from "./setup.ts";
import { standsStill, watched } from "./standstill.ts";

/** The acts on one trial, on real hosts and the real store. */
export const trialActs = (deps: TrialDeps): TrialActs => ({
  prepare: (ref) => prepare(deps, ref),
  measure: (ref) =>
    watched(ref, async () => {
      const [setup, fence] = await Promise.all([setupOf(deps, ref), fenceOf(deps, ref)]);
      await (setup.trial.kind === "forwarding"
        ? measureForwarding(deps, setup, fence)
        : measureMigration(deps, migrationOf(setup), fence));
    }),
  collect: async (ref) => {
    const found = await collect(deps, ref);
    return found.status === "nothing" && standsStill(ref) ? { ...found, stuck: true } : found;
  },
  locate: (ref) => locate(deps, ref),
  judge: (ref, options) => judge(deps, ref, options),
  rejectAttempt: (ref, rejection) => rejectAttempt(deps, ref, rejection),
  restore: (ref) => restore(deps, ref),
});
