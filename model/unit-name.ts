import type { AttemptRef } from "./trial.ts";

/**
 * Name of a unit on a host: `<campaign>.<rest of the trial's id with / as .>.a<attempt>.<what>`.
 * Unique for each attempt, so that starting it again finds the one that exists.
 */
export const unitName = (
  { trialId, attempt }: Pick<AttemptRef, "trialId" | "attempt">,
  what: string,
): string => `${trialId.replaceAll("/", ".")}.a${attempt}.${what}`;
