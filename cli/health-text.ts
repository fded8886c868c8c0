/** Whether a testbed can be trusted now, by what is stored: recoveries, quarantine, the last health trial. */
import type { HealthRow } from "../store/recoveries.ts";
import type { RecoveryView } from "./recovery-text.ts";

export interface HealthView {
  /** `in-doubt`: the last recovery did not prove it, and none has followed. */
  readonly state: "good" | "recovering" | "degraded" | "in-doubt";
  readonly words: string;
  readonly lastTrial: HealthRow | null;
}

export function healthView(
  { now, last, quarantined }: RecoveryView,
  lastTrial: HealthRow | null,
): HealthView {
  const view = (state: HealthView["state"], words: string) => ({ state, words, lastTrial });
  if (now !== null)
    return view("recovering", `${now.step ?? "between rungs"}, called for by ${now.why}`);
  if (quarantined.length > 0)
    return view("degraded", `without ${quarantined.map(({ host }) => host).join(", ")}`);
  const passed = lastTrial === null ? "" : ` (${lastTrial.words})`;
  if (last === null) return view("good", `nothing has called for a recovery${passed}`);
  return last.outcome === "recovered"
    ? view("good", `proven by a health trial after the last recovery${passed}`)
    : view("in-doubt", `the last recovery was ${last.outcome}${passed}`);
}
