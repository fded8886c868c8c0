/** Size of the looped captures. Their content is made on the host by capture.py. */
import { captureBytes } from "../model/units.ts";

/** A capture is held in memory twice while it is loaded (the file on the host's tmpfs, the generator's copy). */
const captureLimitBytes = 16 * 1024 * 1024;
const recordHeaderBytes = 16;

/** Frames in a capture: the highest power of two up to 65,536 whose capture stays within 16 MiB. */
export const framesInCapture = (frameSizeBytes: number): number => {
  let frames = 65_536;
  while (frames * (captureBytes(frameSizeBytes) + recordHeaderBytes) > captureLimitBytes)
    frames /= 2;
  return frames;
};
