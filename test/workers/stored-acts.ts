/** Acts on a real store without hosts: every verdict is the store's own, and a script ends the measurements. */
import type { Client } from "@temporalio/client";
import { campaignActs } from "../../activities/campaign.ts";
import { asFailure } from "../../activities/failures.ts";
import { lockActs } from "../../activities/lock.ts";
import { recordActs } from "../../activities/recovery/acts.ts";
import type { AttemptRef, AttemptVerdict } from "../../model/trial.ts";
import { Fenced } from "../../remote/shell.ts";
import type { Store } from "../../store/store.ts";
import type { Acts } from "../../workflows/acts.ts";
import { scripted } from "../workflows/scripted.ts";
import { scriptedRecovery } from "../workflows/scripted-recovery.ts";

interface StoredScript {
  readonly measure?: (ref: AttemptRef) => Promise<void>;
  readonly collect?: (ref: AttemptRef) => "measured" | "nothing";
  /** What it throws, the campaign's workflow fails of. */
  readonly openCapacities?: () => void;
}

/** `orders`: what was asked of the testbed, in order, as `measure load0#1`. */
export function storedActs(client: Client, store: Store, script: StoredScript = {}) {
  const orders: string[] = [];
  const tokens: number[] = [];
  const order = (act: string, { trialId, attempt, token }: AttemptRef) => {
    orders.push(`${act} ${trialId.split("/").slice(1).join("/")}#${attempt}`);
    tokens.push(token);
  };
  const judge = async (ref: AttemptRef, verdict: AttemptVerdict, final: boolean) => {
    await store.judge(ref, { verdict, results: {}, ledger: [], doubts: [], final });
    return verdict;
  };
  const rungs = scriptedRecovery(async ({ ref, step }) => {
    orders.push(`${step} after ${ref.trialId.split("/").slice(1).join("/")}#${ref.attempt}`);
    tokens.push(ref.token);
    return Promise.resolve({});
  }).acts;
  const own = campaignActs(store);
  const activities: Acts = {
    ...scripted([]).activities,
    ...own,
    ...lockActs(client, store),
    ...rungs,
    ...recordActs(store),
    openCapacities(campaign) {
      script.openCapacities?.();
      return own.openCapacities(campaign);
    },
    async prepare(ref) {
      if (!(await store.openAttempt(ref)))
        throw asFailure(new Fenced(`${ref.trialId}: a higher token was seen`));
      order("prepare", ref);
    },
    async measure(ref) {
      order("measure", ref);
      await script.measure?.(ref);
    },
    async collect(ref) {
      order("collect", ref);
      return Promise.resolve({ status: script.collect?.(ref) ?? "nothing" });
    },
    judge: (ref, { final }) => judge(ref, { verdict: "valid", outcome: "completed" }, final),
    async rejectAttempt(ref, { reason, cut, final }) {
      await judge(ref, { verdict: "invalid", reason, cut }, final);
    },
  };
  return { activities, orders, tokens };
}
