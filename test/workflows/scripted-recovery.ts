/** The acts of recovery without hosts: every step is verified unless the script says otherwise. */
import type { LadderFacts, Quarantine, StepReport } from "../../model/ladder.ts";
import type {
  RecoveryActs,
  RecoveryEndOrder,
  RungAnswer,
  RungOrder,
} from "../../workflows/acts.ts";

export const labFacts: LadderFacts = {
  migration: false,
  toolstack: false,
  rebootable: [],
  powered: ["A", "B", "C", "D", "R1", "R2"],
};

export function scriptedRecovery(
  answer: (order: RungOrder) => Partial<StepReport> | Promise<Partial<StepReport>> = () => ({}),
  facts: LadderFacts = labFacts,
) {
  const orders: RungOrder[] = [];
  const ends: RecoveryEndOrder[] = [];
  const released: string[] = [];
  const failures: string[] = [];
  const inQuarantine: Quarantine[] = [];
  const rung = async (order: RungOrder): Promise<RungAnswer> => {
    orders.push(order);
    const { step, hosts } = order;
    const said = await answer(order);
    const report = {
      step,
      hosts,
      status: "verified",
      unreachable: [],
      suspects: [],
      ...said,
    } as const;
    if (step === "quarantine")
      inQuarantine.push(
        ...hosts.map((host) => ({ host, reason: "nothing helped", isolated: true })),
      );
    return { report, words: `${step} ${report.status}`, facts: step === "evidence" ? facts : null };
  };
  const acts: RecoveryActs = {
    collectEvidence: rung,
    cancelMigration: rung,
    destroyBothCopies: rung,
    recreateRouter: rung,
    restartToolstack: rung,
    rebootHosts: rung,
    powerCycleHosts: rung,
    quarantineHosts: rung,
    healthTrial: rung,
    failedRung: async ({ words, ...order }) => {
      failures.push(`${order.step}: ${words}`);
      const { step, hosts } = order;
      const report = { step, hosts, status: "failed", unreachable: [], suspects: [] } as const;
      return Promise.resolve({ report, words, facts: step === "evidence" ? facts : null });
    },
    healthDoubt: async () => Promise.resolve(null),
    closeRecovery: async (end) => {
      ends.push(end);
      return Promise.resolve();
    },
    leftRecoveries: async () => Promise.resolve([]),
    quarantines: async () => Promise.resolve([...inQuarantine]),
    releaseHosts: async ({ hosts, by }) => {
      const out = inQuarantine.filter(({ host }) => hosts?.includes(host) ?? true);
      for (const one of out) inQuarantine.splice(inQuarantine.indexOf(one), 1);
      released.push(...out.map(({ host }) => `${host} by ${by}`));
      return Promise.resolve(out.map(({ host }) => host));
    },
  };
  return { acts, orders, ends, released, failures };
}
