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

/** The acts on one trial, on real hosts and the real store. */
export const trialActs = (deps: TrialDeps): TrialActs => ({
  prepare: (ref) => prepare(deps, ref),
  measure: async (ref) => {
    const [setup, fence] = await Promise.all([setupOf(deps, ref), fenceOf(deps, ref)]);
    await (setup.trial.kind === "forwarding"
      ? measureForwarding(deps, setup, fence)
      : measureMigration(deps, migrationOf(setup), fence));
  },
  collect: (ref) => collect(deps, ref),
  locate: (ref) => locate(deps, ref),
  judge: (ref, options) => judge(deps, ref, options),
  rejectAttempt: (ref, rejection) => rejectAttempt(deps, ref, rejection),
  restore: (ref) => restore(deps, ref),
});
