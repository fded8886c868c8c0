/** How a recovery reads in Temporal's UI. Lists, not tables: see `details.ts`. */
import type { RecoveryStep, StepReport } from "../model/ladder.ts";

export interface ClimbedStep extends StepReport {
  readonly words: string;
}

const stepWords: Readonly<Record<RecoveryStep, string>> = {
  evidence: "collect evidence from all hosts",
  cancel: "cancel the migration",
  "destroy-both": "destroy both copies and prove it",
  recreate: "recreate the router on R1",
  "restart-toolstack": "restart the toolstack",
  reboot: "reboot",
  "power-cycle": "power-cycle",
  quarantine: "quarantine",
  health: "health trial",
};

/** One line for the timeline: `power-cycle · R2 · try 2`. */
export const climbedWords = (
  step: RecoveryStep,
  hosts: readonly string[],
  tries: number,
): string => {
  const kind = step === "health" ? "" : "rung ";
  const where = hosts.length === 0 ? "" : ` · ${hosts.join(", ")}`;
  return `${kind}${step}${where}${tries > 1 ? ` · try ${tries}` : ""}`.slice(0, 180);
};

/** `status` of the quarantine itself: one whose rung failed may be in the store or not. */
export const exhaustedWords = (
  hosts: readonly string[],
  status: StepReport["status"] | undefined,
): string =>
  status === "failed"
    ? `nothing helped, and the quarantine of ${hosts.join(", ")} failed`
    : `nothing helped; in quarantine: ${hosts.join(", ")}`;

type Now =
  | { readonly kind: "climb"; readonly step: RecoveryStep; readonly hosts: readonly string[] }
  | { readonly kind: "ended"; readonly words: string };

export function recoveryDetails(why: string, climbed: readonly ClimbedStep[], now: Now): string {
  const done = climbed.map(
    ({ step, status, words }) =>
      `- ${status === "verified" ? "✓" : "✗"} ${stepWords[step]}: ${words}`,
  );
  const last =
    now.kind === "ended"
      ? `**${now.words}**`
      : `Now: **${stepWords[now.step]}**${now.hosts.length === 0 ? "" : ` (${now.hosts.join(", ")})`}`;
  return [`Called for by: ${why}`, ...(done.length === 0 ? [] : [done.join("\n")]), last].join(
    "\n\n",
  );
}
