/**
 * What the end of `xl migrate` means. xl exits 0 or 1, whatever happened; only its words tell where the
 * guest is (tools/xl/xl_migrate.c of Xen 4.17, whose spelling is kept).
 */
import type { MigrationReport } from "../model/measurement.ts";

export interface XlEnd {
  /** null: killed, or gone without a status. */
  readonly exitCode: number | null;
  readonly stderr: string;
  /** Why the unit ended it; null: nobody did. */
  readonly ended: string | null;
}

export interface XlOutcome {
  readonly status: MigrationReport["status"];
  readonly reason: string | null;
}

const meanings: readonly (readonly [RegExp, XlOutcome["status"], string])[] = [
  // The handshake's last words are lost: it may run here, there, on both or on neither.
  [
    /Domain state is now undefined/,
    "unknown",
    "the handshake broke off at its end: xl does not know where the guest is; both hosts must be asked",
  ],
  [
    /failed to suspend at sender/,
    "failed",
    "the guest did not follow the request to suspend; xl does not resume it, for it was never suspended: it may have locked up",
  ],
  [
    /Migration failed due to problems at target/,
    "failed",
    "the destination did not start the guest; it goes on at the source",
  ],
  [
    /Migration failed, resuming at sender/,
    "failed",
    "the transfer broke off; xl resumed the guest at the source, without a look whether that worked",
  ],
  // Before anything of the guest was sent; it was not touched.
  [
    /reading banner from migration receiver stream/,
    "failed",
    "the destination was not reached, or ended before it was ready to receive; the guest stayed at the source",
  ],
  [/cannot identify destination domain|is an invalid domain identifier/, "failed", "no such guest"],
];

/** The error that came first is the cause; what follows are its consequences. */
const firstError = (stderr: string): string | null =>
  stderr.split("\n").find((line) => /^(xc|libxl): error: /.test(line)) ?? null;

/** Where the dirty log cannot be had, no guest of this kind ever migrates: not a failure of this time. */
const noDirtyLog = "Failed to enable logdirty";
const noDirtyLogWords =
  "Xen cannot track what the guest writes: it needs hardware-assisted paging (`hap` in `xl info`) or a build with shadow paging";

export const outcomeOfXl = ({ exitCode, stderr, ended }: XlEnd): XlOutcome => {
  const said = meanings.find(([words]) => words.test(stderr));
  const [, status = null, words = null] = said ?? [];
  if (status === "unknown") return { status, reason: reasonOf(words, stderr) };
  // Ended on purpose, and xl said where the guest is: at home.
  if (ended !== null && exitCode !== 0)
    return status === null
      ? { status: "unknown", reason: `${ended}; xl ended without saying where the guest is` }
      : { status: "cancelled", reason: ended };
  if (exitCode === 0 && stderr.includes("Migration successful."))
    return { status: "completed", reason: null };
  if (stderr.includes(noDirtyLog))
    return { status: "failed", reason: reasonOf(noDirtyLogWords, stderr) };
  if (status !== null) return { status, reason: reasonOf(words, stderr) };
  return {
    status: "unknown",
    reason: reasonOf(
      exitCode === null ? "xl was killed" : `xl exited ${exitCode} without a word of the guest`,
      stderr,
    ),
  };
};

const reasonOf = (words: string | null, stderr: string): string => {
  const error = firstError(stderr);
  return error === null ? (words ?? "") : `${words ?? ""}: ${error}`;
};
