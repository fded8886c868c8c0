/** How an error is told to a person. */

const depthLimit = 5;

/** A wrong use is one sentence; anything else comes with its causes; a defect of the program also with its stack. */
export function problemText(error: unknown): string {
  const lines = [`longhaul: ${message(error)}`];
  let cause = causeOf(error);
  for (let depth = 0; cause !== undefined && depth < depthLimit; depth += 1) {
    lines.push(`  because: ${message(cause)}`);
    cause = causeOf(cause);
  }
  if (isDefect(error)) lines.push(error.stack ?? "");
  return `${lines.join("\n")}\n`;
}

const causeOf = (error: unknown) => (error instanceof Error ? error.cause : undefined);

function message(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // An AggregateError of a refused connection has an empty message of its own.
  if (error instanceof AggregateError && error.message === "")
    return error.errors.map(message).join("; ");
  return error.message || error.name;
}

const isDefect = (error: unknown): error is Error =>
  error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
