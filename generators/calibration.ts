/** How fast a generator that sends one stream at a time is, found step by step with a receiver that keeps every stamp. */
import { setTimeout } from "node:timers/promises";
import type { Fence } from "../remote/agent.ts";
import { highestStep, measureStep, type CalibrationStep } from "./calibration-steps.ts";
import type { CalibrationOrder } from "./generator.ts";
import { passStream } from "./pass.ts";

/** What is still in queues when the generator has ended. */
const drainMs = 100;
const deadlineMs = 30_000;

/** @throws {Error} it does not keep even the lowest rate. */
export const calibrateBySteps = (
  generator: Parameters<typeof passStream>[0]["generator"],
  fence: Fence,
  { lineFps, streamOf, receiver, end, unit }: CalibrationOrder,
): Promise<CalibrationStep> =>
  highestStep(lineFps, async (fps) => {
    const stream = streamOf(fps);
    const step = `${stream.frameSizeBytes}B.${Math.round(fps)}fps.${stream.tag}`;
    const { offered, received } = await passStream({ generator, receiver }, fence, {
      stream,
      end,
      unit: (what) => unit(`${step}.${what}`),
      deadlineMs,
      drained: () => setTimeout(drainMs),
      keepRaw: true,
    });
    const { summary, raw } = received;
    return measureStep(fps, offered.frames, summary, raw?.arrivalUs ?? []);
  });
