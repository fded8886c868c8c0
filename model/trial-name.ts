/** Names that are computed from levels; nobody types one. They read as paths and are deterministic. */
import { labelWords } from "./load.ts";
import type { Scenario, TrialKind } from "./trial.ts";

/** `forwarding-kvm-virtio-64B-300MbpsL2`, `migration-kvm-virtio-64B-300MbpsL2-R1toR2` */
export function scenarioName(
  kind: TrialKind,
  {
    platform,
    frameSizeBytes,
    load,
    direction,
    fault,
  }: Omit<Scenario, "intendedFps" | "ofCapacity">,
): string {
  const levels = [kind, platform, `${frameSizeBytes}B`, load];
  const directed = direction === null ? levels : [...levels, direction];
  return (fault === undefined ? directed : [...directed, fault]).join("-");
}

/** `sweep-kvm-virtio-64B`: one platform and frame size, all loads. */
export const sweepName = (platform: string, frameSizeBytes: number): string =>
  `sweep-${platform}-${frameSizeBytes}B`;

/** `b07`; blocks count from 1, as repetitions do. */
export const blockName = (repetition: number): string => `b${String(repetition).padStart(2, "0")}`;

/** `64 B, 300 Mbit/s L2`, with the direction of a migration. For summaries. */
export function scenarioWords({ frameSizeBytes, load, direction, fault }: Scenario): string {
  const words = `${frameSizeBytes} B, ${labelWords(load)}`;
  const directed = direction === null ? words : `${words}, ${direction.replace("to", "→")}`;
  return fault === undefined ? directed : `${directed}, ${fault}`;
}
