/** Wrong use: a bad flag, a bad file, an unknown id. Printed without a stack, exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
