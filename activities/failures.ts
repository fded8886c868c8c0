/**
 * Errors as Temporal carries them: a type that the workflow decides by, and whether another try can
 * help. The words are cut: histories stay small, the whole of them is in the step's row.
 */
import { ApplicationFailure, CancelledFailure } from "@temporalio/common";

const wordsLength = 1500;

/** What another try cannot cure: a refused token, or a defect of Longhaul or its input. */
const finalTypes = [
  "Fenced",
  "UsageError",
  "TypeError",
  "RangeError",
  "ReferenceError",
  "SyntaxError",
  "ZodError",
];

/** Cancellations pass as they are, also when execa or an AbortSignal wrapped them. */
export function asFailure(error: unknown): Error {
  const cancellation = cancellationIn(error);
  if (cancellation !== null) return cancellation;
  if (error instanceof ApplicationFailure) return error;
  const type = error instanceof Error ? error.name : "Error";
  const words = error instanceof Error ? error.message : String(error);
  const message = words.slice(0, wordsLength);
  return finalTypes.includes(type)
    ? ApplicationFailure.create({ message, type, nonRetryable: true })
    : ApplicationFailure.create({ message, type, nonRetryable: false });
}

/** execa 10 says `isCanceled` and hides the CancelledFailure in its cause; unwrapped, Temporal knows it. */
export function cancellationIn(error: unknown): Error | null {
  if (error instanceof CancelledFailure) return error;
  if (!(error instanceof Error)) return null;
  if (error.name === "AbortError") return error;
  return error.cause instanceof CancelledFailure ? error.cause : null;
}
