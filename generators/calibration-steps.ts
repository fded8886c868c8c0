/** The stepwise search of a calibration, and what one step shows. Pure but for the step itself. */
import type { SinkSummary } from "../model/measurement.ts";

export interface CalibrationStep {
  readonly fps: number;
  readonly lost: number;
  /** Relative difference of the rate at the sink from the one asked for. */
  readonly rateErrorRatio: number;
  readonly gapP50Us: number;
  readonly gapP999Us: number;
  readonly gapMaxUs: number;
}

/** Shares of the line rate, upward; the first that fails is followed by bisection. */
const shares = [0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99];
const bisections = 2;
/** Below the lowest share, where even that is not kept: a busy machine still carries small loads. */
const lowShares = [0.005, 0.001, 0.0002];
/** As the default tolerance of the offered load in a trial. */
const rateErrorBound = 0.01;

export const isKept = (step: CalibrationStep): boolean =>
  step.lost === 0 && step.rateErrorRatio <= rateErrorBound;

/**
 * The highest step that was kept. A step that fails is tried once more, also while bisecting: a machine
 * that was busy for a moment must not lower the bound of all loads. At most twice as many steps.
 * @throws {Error} even the lowest is not kept.
 */
export async function highestStep(
  lineFps: number,
  run: (fps: number) => Promise<CalibrationStep>,
): Promise<CalibrationStep> {
  const keep = async (fps: number) => {
    const first = await run(fps);
    return isKept(first) ? first : run(fps);
  };
  let best: CalibrationStep | null = null;
  for (const share of shares) {
    const step = await keep(share * lineFps);
    if (isKept(step)) {
      best = step;
      continue;
    }
    if (best === null) return await lowestSteps(lineFps, keep);
    let high = step.fps;
    for (let turn = 0; turn < bisections; turn++) {
      const middle = await keep((best.fps + high) / 2);
      if (isKept(middle)) best = middle;
      else high = middle.fps;
    }
    break;
  }
  if (best === null) throw new Error("a calibration has no steps");
  return best;
}

/** Downward until one is kept. */
async function lowestSteps(
  lineFps: number,
  keep: (fps: number) => Promise<CalibrationStep>,
): Promise<CalibrationStep> {
  let last: CalibrationStep | null = null;
  for (const share of lowShares) {
    last = await keep(share * lineFps);
    if (isKept(last)) return last;
  }
  const { fps, lost, rateErrorRatio } = last ?? { fps: 0, lost: 0, rateErrorRatio: 0 };
  throw new Error(
    `the generator does not keep ${Math.round(fps)} frames/s: ${lost} lost, rate off by ${(rateErrorRatio * 100).toFixed(2)} %; is this machine busy with something else?`,
  );
}

/** What the sink saw of one step; gaps are between consecutive arrivals. */
export function measureStep(
  fps: number,
  sent: number,
  sink: Pick<SinkSummary, "frames" | "firstUs" | "lastUs">,
  arrivalUs: readonly number[],
): CalibrationStep {
  const spanUs = (sink.lastUs ?? 0) - (sink.firstUs ?? 0);
  const rate = spanUs > 0 ? ((sink.frames - 1) / spanUs) * 1e6 : 0;
  const gaps = arrivalUs
    .slice(1)
    .map((at, index) => at - (arrivalUs[index] ?? at))
    .sort((one, other) => one - other);
  const quantile = (share: number) => gaps[Math.max(0, Math.ceil(share * gaps.length) - 1)] ?? 0;
  return {
    fps,
    lost: sent - sink.frames,
    rateErrorRatio: Math.abs(rate - fps) / fps,
    gapP50Us: quantile(0.5),
    gapP999Us: quantile(0.999),
    gapMaxUs: gaps.at(-1) ?? 0,
  };
}
