/** Typed search attributes of every Longhaul workflow; registered by `services/` and checked by `doctor`. */
export const searchAttributes = {
  LhCampaign: "Keyword",
  LhTestbed: "Keyword",
  LhKind: "Keyword",
  LhPlatform: "Keyword",
  LhScenario: "Keyword",
  LhVerdict: "Keyword",
  LhOutcome: "Keyword",
  LhRepetition: "Int",
  LhDone: "Int",
  LhPlanned: "Int",
} as const;
export type SearchAttribute = keyof typeof searchAttributes;

/** Temporal's namespace of the embedded server, and the default on a real one. */
export const defaultNamespace = "longhaul";
export const retentionDays = 90;

/** Task queue of a testbed: its workflows and its activities. */
export const taskQueue = (testbed: string): string => `longhaul-${testbed}`;
export const campaignWorkflowId = (campaignId: string): string => `campaign/${campaignId}`;
/** Why a campaign waits whose testbed another workflow holds. */
export const heldWords = (testbed: string, holder: string): string =>
  `the testbed ${testbed} is held by ${holder}`;
export const lockWorkflowId = (testbed: string): string => `testbed/${testbed}`;
