/** What became of a router that fell silent, from probes of different kinds. Pure. */
import type { RouterFindings, VcpuSpan } from "../model/watch.ts";

export type RouterVerdict =
  /** It forwards, or too little contradicts that it runs. */
  "running" | "locked-up" | "crashed" | "silently-rebooted";

export interface RouterJudgement {
  readonly verdict: RouterVerdict;
  /** Each names the kind of probe that contradicts "running", in words. */
  readonly contradictions: readonly string[];
}

/** A lockup needs as many different kinds of probe against it. */
const kindsNeeded = 2;
/** A virtual CPU that had less of a real one than this did nothing at all: even an idle guest's clock ticks. */
const flatRatio = 0.0005;
/** One that always wanted a real CPU spins. */
const peggedRatio = 0.95;
/** Uptimes are told in hundredths of a second. */
const uptimeStepS = 0.5;

/**
 * `ping` takes no part: guests have been seen that answer it and forward nothing. A router that
 * forwards is not locked up, whatever its console says.
 */
export function judgeRouter(findings: RouterFindings): RouterJudgement {
  const contradictions = against(findings);
  const verdict = (is: RouterVerdict): RouterJudgement => ({ verdict: is, contradictions });
  const { state, otherHost, panicked } = findings;
  const gone = (one: RouterFindings["state"]) => one === "stopped" || one === "absent";
  if (panicked || (gone(state) && gone(otherHost.state))) return verdict("crashed");
  if (wasRebooted(findings)) return verdict("silently-rebooted");
  if (findings.forwarding === "answers") return verdict("running");
  return verdict(contradictions.length >= kindsNeeded ? "locked-up" : "running");
}

/** Its boot id changed, or the uptime that its console tells went down. Unknown is no reboot. */
export function wasRebooted({
  bootId,
  heartbeatS,
}: Pick<RouterFindings, "bootId" | "heartbeatS">): boolean {
  if (bootId.before !== null && bootId.after !== null && bootId.before !== bootId.after)
    return true;
  return (heartbeatS ?? []).some((uptimeS, index, all) => {
    const last = all[index - 1];
    return last !== undefined && uptimeS < last - uptimeStepS;
  });
}

function against(findings: RouterFindings): readonly string[] {
  const { forwarding, arp, arpSilentOn, heartbeat, guestCommand, vcpu } = findings;
  const on = arpSilentOn === undefined ? "" : ` on ${arpSilentOn.join(", ")}`;
  return [
    ...(forwarding === "silent" ? ["no probe frame came through it"] : []),
    ...(arp === "silent" ? [`it answers no ARP request${on}`] : []),
    ...(heartbeat === "silent" ? ["its console beats no more"] : []),
    ...(guestCommand === "silent" ? ["it answers no command"] : []),
    ...(guestCommand === "forwards-nothing"
      ? ["by its own count it takes frames in and forwards none"]
      : []),
    ...(vcpu === null ? [] : vcpuWords(vcpu)),
  ];
}

function vcpuWords({ spanMs, ranMs, waitedMs, busiestMs }: VcpuSpan): string[] {
  if (spanMs <= 0) return [];
  const wantedMs = ranMs + waitedMs;
  if (wantedMs / spanMs < flatRatio)
    return [`its virtual CPU did not run in ${Math.round(spanMs)} ms`];
  // Two that are half busy spin no more than one that is.
  return (busiestMs ?? wantedMs) / spanMs > peggedRatio ? ["its virtual CPU never rests"] : [];
}
