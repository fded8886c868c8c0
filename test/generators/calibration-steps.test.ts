import { describe, expect, test } from "vitest";
import { highestStep, isKept, measureStep } from "../../generators/calibration-steps.ts";
import type { CalibrationStep } from "../../generators/calibration-steps.ts";

const kept = (fps: number): CalibrationStep => ({
  fps,
  lost: 0,
  rateErrorRatio: 0.001,
  gapP50Us: 1,
  gapP999Us: 2,
  gapMaxUs: 3,
});
const upTo = (limit: number) => async (fps: number) =>
  fps <= limit ? kept(fps) : { ...kept(fps), lost: 7 };

describe("a calibration", () => {
  test("goes up to 99 % of the line rate where the generator keeps everything", async () => {
    expect((await highestStep(100_000, upTo(1e9))).fps).toBe(99_000);
  });

  test("ends between the last step that was kept and the first that was not", async () => {
    const { fps } = await highestStep(100_000, upTo(40_000));
    expect(fps).toBeGreaterThan(25_000);
    expect(fps).toBeLessThanOrEqual(40_000);
  });

  test("a step that failed once is tried once more", async () => {
    const tried: number[] = [];
    const once = async (fps: number) => {
      tried.push(fps);
      return tried.length === 1 ? { ...kept(fps), lost: 1 } : kept(fps);
    };
    expect((await highestStep(100_000, once)).fps).toBe(99_000);
    expect(tried.slice(0, 2)).toEqual([2000, 2000]);
  });

  test("a generator that does not keep the lowest step is refused with both figures", async () => {
    await expect(highestStep(100_000, upTo(0))).rejects.toThrow(
      "the generator does not keep 20 frames/s: 7 lost, rate off by 0.10 %",
    );
  });

  test("a busy machine that keeps no usual step is calibrated for small loads", async () => {
    expect((await highestStep(100_000, upTo(600))).fps).toBe(500);
  });

  test("a step's rate is that of the arrivals, its gaps those between them", () => {
    const arrivalUs = [0, 1000, 2000, 3000, 4100];
    const step = measureStep(1000, 5, { frames: 5, firstUs: 0, lastUs: 4100 }, arrivalUs);
    expect(step).toMatchObject({ lost: 0, gapP50Us: 1000, gapP999Us: 1100, gapMaxUs: 1100 });
    expect(step.rateErrorRatio).toBeCloseTo(0.0244, 4);
    expect(isKept(step)).toBe(false);
  });

  test("a sink that saw nothing is a step that was not kept", () => {
    const step = measureStep(1000, 5, { frames: 0, firstUs: null, lastUs: null }, []);
    expect(step).toMatchObject({ lost: 5, rateErrorRatio: 1 });
    expect(isKept(step)).toBe(false);
  });
});
