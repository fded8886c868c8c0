/**
 * Acts without a testbed: a plan in memory that keeps the store's promises, a log of what was ordered,
 * and scripts that make a chosen act end otherwise.
 */
import { ApplicationFailure } from "@temporalio/common";
import { noAttempts, tallyOf } from "../../model/attempts.ts";
import { skipReason } from "../../model/skip.ts";
import { inTheWay } from "../../model/trial-hosts.ts";
import type { TrialKind, TrialState } from "../../model/trial.ts";
import type { Acts, CampaignProgress, Element, TrialBrief } from "../../workflows/acts.ts";
import { scriptedRecovery } from "./scripted-recovery.ts";

interface ScriptedAttempt {
  attempt: number;
  token: number;
  verdict: "valid" | "invalid" | null;
  cut: boolean;
  reason: string | null;
}
export interface ScriptedTrial {
  readonly id: string;
  readonly element: string;
  readonly kind: TrialKind;
  state: TrialState;
  reason: string | null;
  verdicts: number;
  attempts: ScriptedAttempt[];
}

/** Sweeps of `loads` trials and single migrations, in this order. */
export function scriptedPlan(
  campaign: string,
  shape: readonly ({ loads: number } | "migration")[],
) {
  return shape.flatMap((part, index): ScriptedTrial[] => {
    const kind = part === "migration" ? "migration" : "forwarding";
    const element = `${campaign}/b01/${kind}-${index + 1}`;
    const ids =
      part === "migration"
        ? [element]
        : Array.from({ length: part.loads }, (_, n) => `${element}-load${n + 1}`);
    return ids.map((id) => ({
      id,
      element,
      kind,
      state: "pending",
      reason: null,
      verdicts: 0,
      attempts: [],
    }));
  });
}

type Overrides = { readonly [Name in keyof Acts]?: (next: Acts[Name]) => Acts[Name] };

export function scripted(trials: ScriptedTrial[], overrides: Overrides = {}) {
  const calls: string[] = [];
  const tokens: number[] = [];
  const states: string[] = [];
  let epoch = 0;
  const trialOf = (id: string) => trials.find((trial) => trial.id === id) ?? fail(`no trial ${id}`);
  const attemptOf = (id: string, number: number) =>
    trialOf(id).attempts.find(({ attempt }) => attempt === number) ??
    fail(`no attempt ${number} of ${id}`);
  const decide = (trial: ScriptedTrial, state: TrialState, reason: string | null) => {
    if (trial.state !== "pending" && trial.state !== "running") return;
    Object.assign(trial, { state, reason, verdicts: trial.verdicts + 1 });
  };
  const brief = (trial: ScriptedTrial): TrialBrief => ({
    trialId: trial.id,
    label: `64 B, ${trial.id.split("-").at(-1)}`,
    scenario: trial.id.split("/").at(-1) ?? "",
    platform: "bare",
    tally: trial.attempts.length === 0 ? noAttempts : tallyOf(trial.attempts),
    openToken: trial.attempts.find(({ verdict }) => verdict === null)?.token ?? null,
    measureTimeoutMs: 60_000,
    detectionBoundMs: 0,
  });
  const acts: Acts = {
    acquireTestbed: async () => ({ status: "granted", epoch: ++epoch }),
    releaseTestbed: async () => undefined,
    isClosed: async () => false,
    openCapacities: async () => [],
    resolveCapacity: async () => ({ fps: 1000 }),
    async nextElements(_campaign, limit, quarantined = []) {
      const open = trials.filter(
        ({ state, kind }) =>
          (state === "pending" || state === "running") &&
          inTheWay({ kind, fault: null }, quarantined).length === 0,
      );
      return [...new Set(open.map(({ element }) => element))].slice(0, limit).map((id): Element => {
        const own = open.filter(({ element }) => element === id);
        const kind = own[0]?.kind ?? "forwarding";
        return {
          id,
          kind,
          platform: "bare",
          frameSizeBytes: 64,
          repetition: 1,
          trials: own.map(brief),
        };
      });
    },
    async campaignProgress(): Promise<CampaignProgress> {
      const count = (state: TrialState) => trials.filter((trial) => trial.state === state).length;
      return {
        planned: trials.length,
        valid: count("valid"),
        invalid: count("invalid"),
        skipped: count("skipped"),
        pending: count("pending"),
        running: count("running"),
        outcomes: { completed: count("valid") },
        lastTrials: [],
        etaSeconds: null,
      };
    },
    async setCampaignState(_campaign, state, reason) {
      states.push(reason === null ? state : `${state}: ${reason}`);
    },
    async skipTrial({ trialId, evenRunning, ...order }) {
      const trial = trials.find(({ id }) => id === trialId);
      if (trial === undefined) return { status: "unknown" };
      const { element, state, reason } = trial;
      const words = skipReason({ trialId, ...order });
      if (state === "running" && !evenRunning) return { status: "running", element };
      if (state === "skipped" && reason === words) return { status: "skipped", element };
      if (state !== "pending" && state !== "running")
        return {
          status: "decided",
          state,
          outcome: state === "valid" ? "completed" : null,
          reason,
        };
      for (const row of trial.attempts.filter(({ verdict }) => verdict === null))
        Object.assign(row, { verdict: "invalid", reason: words });
      decide(trial, "skipped", words);
      return { status: "skipped", element };
    },
    // Every repetition is a block like the first one.
    async extendCampaign({ repetitions }) {
      const blocks = new Set(trials.map(({ id }) => id.split("/")[1]));
      if (repetitions < blocks.size)
        return { status: "refused", why: `has ${blocks.size} repetitions planned` };
      const first = trials.filter(({ id }) => id.includes("/b01/"));
      const before = trials.length;
      for (let block = blocks.size + 1; block <= repetitions; block++)
        for (const { id, element, kind } of first) {
          const renamed = (name: string) => name.replace("/b01/", `/b0${block}/`);
          trials.push({
            ...{ id: renamed(id), element: renamed(element), kind, state: "pending" },
            ...{ reason: null, verdicts: 0, attempts: [] },
          });
        }
      return { status: "extended", planned: trials.length, added: trials.length - before };
    },
    async closeCancelled() {
      for (const trial of trials) decide(trial, "skipped", "cancelled");
    },
    async prepare({ trialId, attempt, token }) {
      const trial = trialOf(trialId);
      if (trial.attempts.some((row) => row.attempt === attempt)) return;
      tokens.push(token);
      trial.state = "running";
      trial.attempts.push({ attempt, token, verdict: null, cut: false, reason: null });
    },
    measure: async () => undefined,
    collect: async () => ({ status: "nothing" }),
    locate: async () => ({ location: "destination" }),
    async judge({ trialId, attempt }) {
      attemptOf(trialId, attempt).verdict = "valid";
      decide(trialOf(trialId), "valid", null);
      return { verdict: "valid", outcome: "completed" };
    },
    async rejectAttempt({ trialId, attempt, token }, { reason, cut, final }) {
      const trial = trialOf(trialId);
      const row = trial.attempts.find((one) => one.attempt === attempt);
      if (row === undefined)
        trial.attempts.push({ attempt, token, verdict: "invalid", cut, reason });
      else Object.assign(row, { verdict: "invalid", cut, reason });
      if (final) decide(trial, "invalid", reason);
    },
    restore: async () => undefined,
    ...scriptedRecovery().acts,
  };
  const activities = Object.fromEntries(
    Object.entries(acts).map(([name, plain]) => {
      const override = overrides[name as keyof Acts] as
        ((next: unknown) => typeof plain) | undefined;
      const run = (override ? override(plain) : plain) as (...args: unknown[]) => Promise<unknown>;
      const logged = (...args: unknown[]) => {
        calls.push(describeCall(name, args));
        return run(...args);
      };
      return [name, logged];
    }),
  ) as unknown as Acts;
  return { activities, calls, tokens, states, trials };
}

/** `measure load2#1` for acts of a trial, the bare name for others. */
function describeCall(name: string, [first]: unknown[]): string {
  if (typeof first !== "object" || first === null || !("trialId" in first) || !("attempt" in first))
    return name;
  const tail = String(first.trialId).split("-").at(-1);
  return `${name} ${tail}#${String(first.attempt)}`;
}

/** What an act of a broken harness throws. */
export const broken = (message: string, type = "CommandFailed"): Error =>
  ApplicationFailure.create({ message, type, nonRetryable: true });

function fail(message: string): never {
  throw new Error(message);
}

/** Calls in their order; a trial's judging stands before its restoring, as they run side by side. */
export const inOrder = (calls: readonly string[]): readonly string[] =>
  calls.map((call, index) => {
    const [before, after] = [calls[index - 1], calls[index + 1]];
    if (after === call.replace("restore", "judge") && after !== call) return after;
    return before === call.replace("judge", "restore") && before !== call ? before : call;
  });
