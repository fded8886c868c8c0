/**
 * Frame sizes and rates. A frame size counts the FCS (RFC 2544 §9): a 64-byte frame is 60 bytes in
 * a capture and carries 18 bytes of UDP payload.
 */

/** Preamble, start delimiter and inter-frame gap, which layer 1 counts and layer 2 does not (IEEE 802.3 §4.4.2). */
export const l1OverheadBytes = 20;
export const fcsBytes = 4;
export const minFrameSizeBytes = 64;
/** An untagged frame with a 1500-byte IP packet. */
export const maxFrameSizeBytes = 1518;

export const captureBytes = (frameSizeBytes: number): number => frameSizeBytes - fcsBytes;

export const fpsFromMbpsL1 = (mbps: number, frameSizeBytes: number): number =>
  (mbps * 1e6) / ((frameSizeBytes + l1OverheadBytes) * 8);
export const fpsFromMbpsL2 = (mbps: number, frameSizeBytes: number): number =>
  (mbps * 1e6) / (frameSizeBytes * 8);
export const mbpsL1FromFps = (fps: number, frameSizeBytes: number): number =>
  (fps * (frameSizeBytes + l1OverheadBytes) * 8) / 1e6;
export const mbpsL2FromFps = (fps: number, frameSizeBytes: number): number =>
  (fps * frameSizeBytes * 8) / 1e6;
/** Frames per second that fill a link of this layer-1 rate. */
export const lineRateFps = (lineRateMbpsL1: number, frameSizeBytes: number): number =>
  fpsFromMbpsL1(lineRateMbpsL1, frameSizeBytes);
