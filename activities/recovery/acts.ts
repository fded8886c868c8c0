/** The acts of recovery, on real hosts and the real store. */
import { scenarioName } from "../../model/trial-name.ts";
import type { Store } from "../../store/store.ts";
import type { RecoveryActs, RungActs } from "../../workflows/acts.ts";
import type { TrialDeps } from "../deps.ts";
import { cancelMigration } from "./cancel.ts";
import { destroyBoth } from "./destroy-both.ts";
import { collectEvidence } from "./evidence.ts";
import { healthTrial } from "./health.ts";
import { powerCycle } from "./power-cycle.ts";
import { quarantine } from "./quarantine.ts";
import { reboot } from "./reboot.ts";
import { recreate } from "./recreate.ts";
import { restartToolstack } from "./restart-toolstack.ts";
import { failedRung, rung } from "./rung.ts";

export const recoveryActs = (deps: TrialDeps): RecoveryActs => ({
  collectEvidence: rung(deps, collectEvidence),
  cancelMigration: rung(deps, cancelMigration),
  destroyBothCopies: rung(deps, destroyBoth),
  recreateRouter: rung(deps, recreate),
  restartToolstack: rung(deps, restartToolstack),
  rebootHosts: rung(deps, reboot),
  powerCycleHosts: rung(deps, powerCycle),
  quarantineHosts: rung(deps, quarantine),
  healthTrial: rung(deps, healthTrial),
  failedRung: failedRung(deps),
  ...recordActs(deps.store),
});

/** What recoveries leave in the store; no host is asked. */
export const recordActs = (store: Store): Omit<RecoveryActs, keyof RungActs | "failedRung"> => ({
  async closeRecovery({ ref, id, why, outcome, rung, words }) {
    const at = new Date().toISOString();
    await store.endRecovery(id, { outcome, rung });
    const { testbed, campaignId: campaign, trialId: trial, attempt } = ref;
    await store.putEvent({
      ...{ key: id, testbed, campaign, trial, attempt, host: null, kind: "recovery" },
      content: { recovery: id, why, outcome, rung, words },
      at,
    });
  },

  quarantines: async (testbed) =>
    (await store.quarantines(testbed)).map(({ host, reason, isolated }) => ({
      ...{ host, reason, isolated },
    })),

  async healthDoubt(testbed) {
    const last = await store.lastRecovery(testbed);
    if (last === null || last.outcome === "recovered") return null;
    const end = last.outcome === null ? "was cut" : `ended ${last.outcome}`;
    return `the testbed's last recovery (${last.id}) ${end}`;
  },

  async leftRecoveries(campaignId) {
    const open = (await store.recoveries(campaignId)).filter(({ endedAt }) => endedAt === null);
    const trials = await Promise.all(open.map(({ trial }) => store.trial(trial)));
    return open.flatMap(({ id, attempt, why }, index) => {
      const trial = trials[index] ?? null;
      if (trial === null) return [];
      const { id: trialId, kind, scenario } = trial;
      const { platform } = scenario;
      const name = id.slice(trialId.length + 1);
      return [{ trialId, attempt, name, why, platform, scenario: scenarioName(kind, scenario) }];
    });
  },

  async releaseHosts({ campaignId, testbed, hosts, by, key }) {
    const wanted = hosts ?? (await store.quarantines(testbed)).map(({ host }) => host);
    const released = await store.releaseHosts(testbed, wanted);
    await store.putEvent({
      ...{ key, testbed, campaign: campaignId, trial: null, attempt: null, host: null },
      ...{ kind: "release", content: { hosts: wanted, by }, at: new Date().toISOString() },
    });
    return released;
  },
});
