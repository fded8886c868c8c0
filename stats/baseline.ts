/** Whether a router met the baseline of health. Pure. */
import type { BaselineFound } from "../model/measurement.ts";

export const meetsBaseline = ({
  silence,
  offeredFrames,
  receivedFrames,
  allowedLossRatio,
}: BaselineFound): boolean =>
  silence === null &&
  offeredFrames > 0 &&
  offeredFrames - receivedFrames <= allowedLossRatio * offeredFrames;

export const baselineWords = (found: BaselineFound): string =>
  found.silence ??
  `${found.receivedFrames} of ${found.offeredFrames} frames arrived at ${found.fps} frames/s (at most ${
    Math.round(found.allowedLossRatio * 1e6) / 1e4
  } % may be lost); both flows answer`;
