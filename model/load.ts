/** Loads: their labels in ids, and the frames per second they stand for on a testbed. */
import type { Load } from "./campaign.ts";
import {
  fpsFromMbpsL1,
  fpsFromMbpsL2,
  lineRateFps,
  mbpsL1FromFps,
  mbpsL2FromFps,
} from "./units.ts";

/** Computed from the value, never typed: `35000fps`, `300MbpsL2`, `0.5lineRate`, `0.5capacity`, `idle`. */
export function loadLabel(load: Load): string {
  if ("fps" in load) return `${load.fps}fps`;
  if ("mbpsL1" in load) return `${load.mbpsL1}MbpsL1`;
  if ("mbpsL2" in load) return `${load.mbpsL2}MbpsL2`;
  if ("ofLineRate" in load) return `${load.ofLineRate}lineRate`;
  if ("ofCapacity" in load) return `${load.ofCapacity}capacity`;
  return "idle";
}

export interface LoadSurroundings {
  readonly frameSizeBytes: number;
  readonly lineRateMbpsL1: number;
  readonly idleProbeFps: number;
}

/** Frames per second of a load; null for `ofCapacity`, which waits for the capacity search. */
export function intendedFps(
  load: Load,
  { frameSizeBytes, lineRateMbpsL1, idleProbeFps }: LoadSurroundings,
): number | null {
  if ("fps" in load) return load.fps;
  if ("mbpsL1" in load) return fpsFromMbpsL1(load.mbpsL1, frameSizeBytes);
  if ("mbpsL2" in load) return fpsFromMbpsL2(load.mbpsL2, frameSizeBytes);
  if ("ofLineRate" in load) return load.ofLineRate * lineRateFps(lineRateMbpsL1, frameSizeBytes);
  if ("ofCapacity" in load) return null;
  return idleProbeFps;
}

/** A load in words, for summaries and messages: `300 Mbit/s L2`. */
export function loadWords(load: Load): string {
  if ("fps" in load) return `${grouped(load.fps)} frames/s`;
  if ("mbpsL1" in load) return `${load.mbpsL1} Mbit/s L1`;
  if ("mbpsL2" in load) return `${load.mbpsL2} Mbit/s L2`;
  if ("ofLineRate" in load) return `${load.ofLineRate} of the line rate`;
  if ("ofCapacity" in load) return `${load.ofCapacity} of the capacity`;
  return "idle";
}

/** The words of a label as `loadLabel` makes it: rows keep the label alone. */
export function labelWords(label: string): string {
  const [, number = "", unit = ""] =
    /^([\d.e+-]+)(fps|MbpsL1|MbpsL2|lineRate|capacity)$/.exec(label) ?? [];
  const value = Number(number);
  if (unit === "fps") return loadWords({ fps: value });
  if (unit === "MbpsL1") return loadWords({ mbpsL1: value });
  if (unit === "MbpsL2") return loadWords({ mbpsL2: value });
  if (unit === "lineRate") return loadWords({ ofLineRate: value });
  if (unit === "capacity") return loadWords({ ofCapacity: value });
  return label;
}

/** The sentence that refuses a load over line rate; null when the line carries it. */
export function beyondLineRate(load: Load, surroundings: LoadSurroundings): string | null {
  const { frameSizeBytes, lineRateMbpsL1 } = surroundings;
  const fps = intendedFps(load, surroundings);
  const lineFps = lineRateFps(lineRateMbpsL1, frameSizeBytes);
  // A load of exactly the line rate may come out a rounding error above it.
  if (fps === null || fps <= lineFps * (1 + 1e-9)) return null;
  return (
    `${loadWords(load)} at ${frameSizeBytes} bytes does not exist on ${rounded(lineRateMbpsL1)} Mbit/s links: ` +
    `line rate there is ${grouped(Math.floor(lineFps))} frames/s = ` +
    `${rounded(mbpsL1FromFps(lineFps, frameSizeBytes))} Mbit/s L1 = ` +
    `${rounded(mbpsL2FromFps(lineFps, frameSizeBytes))} Mbit/s L2`
  );
}

/** 1488095 as `1,488,095`; decimals cut to three. */
export function grouped(value: number): string {
  const [whole = "", decimals] = String(Math.round(value * 1000) / 1000).split(".");
  const thousands = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return decimals === undefined ? thousands : `${thousands}.${decimals}`;
}

const rounded = (value: number) => String(Math.round(value * 10) / 10);
