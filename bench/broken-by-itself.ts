/** Guests that break without anybody's doing, and how that is told from what must not happen. */
import type { EventRow } from "../store/store.ts";

/**
 * What such a guest's console says: a broken list, a NIC's ring that is refused, or another bug of its
 * kernel. A panic that was ordered (`sysrq triggered crash`) says none of these.
 */
const signs =
  /list_del corruption|is not a head|kernel BUG at|BUG: |Oops: |general protection fault|Fatal exception/;

/**
 * Whether a trial's outcome is the known defect of guests under QEMU 7.2's TCG: soon after a migration,
 * in this trial or a later one, the kernel breaks by itself. The cause is not known (README, "What has
 * not been run"). True only where the console stored as evidence of the attempt shows it.
 */
export const brokeByItself = (
  outcome: string | null,
  events: readonly Pick<EventRow, "kind" | "content">[],
): boolean =>
  (outcome === "crashed" || outcome === "locked-up") &&
  events.some(
    ({ kind, content }) =>
      kind === "evidence" &&
      Array.isArray(content.console) &&
      content.console.some((line) => signs.test(String(line))),
  );
