/** A campaign's status as scripts see it; the keys are those of docs/results.md. */
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
  attempts: status.attempts,
  recoveries: status.recoveries,
  etaSeconds: isOpen(status) ? etaSeconds : null,
  workflowId: status.workflowId,
  temporalUi,
  plannedAt: status.plannedAt,
  startedAt: status.startedAt,
  endedAt: status.endedAt,
  queue: status.queue,
  current: status.current,
});

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
  attempts: null,
  recoveries: null,
  etaSeconds: null,
  workflowId,
  temporalUi: null,
  startedAt: null,
  endedAt: null,
  queue: null,
  current: null,
});
