/** A campaign's status as scripts see it; the keys are those of docs/results.md. */
import { proportion } from "../stats/proportion.ts";
import type { CampaignStatus } from "../store/store.ts";

export interface CampaignJson extends Omit<CampaignStatus, "state" | NumberKey> {
  /** null: PostgreSQL is out of reach, and `reason` says so. */
  readonly state: CampaignStatus["state"] | null;
  readonly planned: number | null;
  readonly verdicts: Readonly<Record<keyof CampaignStatus["verdicts"], number | null>>;
  readonly pending: number | null;
  readonly running: number | null;
  readonly attempts: number | null;
  readonly recoveries: number | null;
  readonly etaSeconds: number | null;
  /** Valid trials that did not complete, of all valid ones, with the 95 % interval of their share. */
  readonly failures: Failures;
  /** What it cannot go on without, in words; null: it waits for nothing. */
  readonly waitsFor: string | null;
}

export interface Failures {
  readonly count: number | null;
  readonly valid: number | null;
  readonly ratio: number | null;
  readonly low95: number | null;
  readonly high95: number | null;
}
type NumberKey =
  | "planned"
  | "verdicts"
  | "pending"
  | "running"
  | "attempts"
  | "recoveries"
  | "plannedAt"
  | "testbed";

/** States in which a campaign still measures or may go on. */
export const isOpen = ({ state }: Pick<CampaignStatus, "state">): boolean =>
  state !== "completed" && state !== "cancelled";

/** States in which it has its testbed for itself. */
export const holdsTestbed = ({ state }: Pick<CampaignStatus, "state">): boolean =>
  state === "running" || state === "paused" || state === "waiting";

export const campaignJson = (
  status: CampaignStatus,
  etaSeconds: number | null,
  temporalUi: string | null = status.temporalUi,
): CampaignJson & Pick<CampaignStatus, "testbed" | "plannedAt"> => ({
  campaign: status.campaign,
  testbed: status.testbed,
  state: status.state,
  reason: status.reason,
  planned: status.planned,
  verdicts: status.verdicts,
  pending: status.pending,
  running: status.running,
  outcomes: status.outcomes,
  failures: failuresOf(status),
  attempts: status.attempts,
  recoveries: status.recoveries,
  etaSeconds: isOpen(status) ? etaSeconds : null,
  workflowId: status.workflowId,
  temporalUi,
  plannedAt: status.plannedAt,
  startedAt: status.startedAt,
  endedAt: status.endedAt,
  queue: status.queue,
  waitsFor: waitsFor(status),
  current: status.current,
});

function failuresOf({ verdicts, outcomes }: CampaignStatus): Failures {
  const count = verdicts.valid - (outcomes.completed ?? 0);
  const { value, interval } = proportion(count, verdicts.valid);
  return {
    ...{ count, valid: verdicts.valid, ratio: value },
    ...{ low95: interval?.low ?? null, high95: interval?.high ?? null },
  };
}

/** A person or a turn in the queue; or what the failed step of the running trial is tried again for. */
function waitsFor({ state, reason, current }: CampaignStatus): string | null {
  if (state === "waiting" || state === "queued" || state === "paused") return reason;
  if (current?.outcome !== "failed") return null;
  const [words = "it failed"] = (current.detail ?? "").split("\n");
  return `${current.step} of ${current.trial}: ${words}`;
}

/** The same keys when nothing can be read: numbers are null, never zero. */
export const unreadableCampaign = (
  campaign: string,
  workflowId: string,
  reason: string,
): CampaignJson => ({
  campaign,
  state: null,
  reason,
  planned: null,
  verdicts: { valid: null, invalid: null, skipped: null },
  pending: null,
  running: null,
  outcomes: {},
  failures: { count: null, valid: null, ratio: null, low95: null, high95: null },
  attempts: null,
  recoveries: null,
  etaSeconds: null,
  workflowId,
  temporalUi: null,
  startedAt: null,
  endedAt: null,
  queue: null,
  waitsFor: null,
  current: null,
});
