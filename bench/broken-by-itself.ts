/** Guests that break without anybody's doing, and how that is told from what must not happen. */
import type { EventRow } from "../store/store.ts";

/**
 * What such a guest's console says: a broken list, a NIC's ring that is refused, or another bug of its
 * kernel. A panic that was ordered (`sysrq triggered crash`) says none of these.
 */
export const signs =
  /list_del corruption|is not a head|kernel BUG at|BUG: |Oops: |general protection fault|Fatal exception/;

/**
 * Whether a trial's outcome is the known defect of guests under QEMU 7.2's TCG: soon after a migration,
 * in this trial or a later one, the kernel breaks by itself. The cause is not known (README, "What has
 * not been run"). True only where a console that the trial's events hold shows it: of its own evidence,
 * or of the first rung of its recovery.
 */
export const brokeByItself = (
  outcome: string | null,
  events: readonly Pick<EventRow, "kind" | "content">[],
): boolean =>
  (outcome === "crashed" || outcome === "locked-up") &&
  events.some(
    ({ kind, content }) =>
      (kind === "evidence" && signs.test(wordsOf(content.console))) ||
      (kind === "rung" &&
        content.step === "evidence" &&
        signs.test(wordsOf(consolesIn(content.evidence)))),
  );

const consolesIn = (hosts: unknown): unknown =>
  Array.isArray(hosts) ? hosts.map((host: { console?: unknown }) => host.console) : null;
/** JSON keeps each line whole. */
const wordsOf = (console: unknown): string => JSON.stringify(console ?? null);
