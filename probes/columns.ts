/** Columns as the agent packs them: zlib, base64, little-endian. Unpacked off the event loop. */
import { promisify } from "node:util";
import { inflate } from "node:zlib";

const inflated = promisify(inflate);

export const unpack = async (packed: string): Promise<Buffer> =>
  inflated(Buffer.from(packed, "base64"));

/** Values between two turns of the event loop: the stamps of a long load are millions. */
const valuesPerSlice = 500_000;

/** 64-bit integers below 2^53 as numbers. */
export const int64s = async (packed: string): Promise<number[]> => {
  const bytes = await unpack(packed);
  const values = new Array<number>(bytes.length / 8);
  for (let index = 0; index < values.length; index++) {
    if (index % valuesPerSlice === valuesPerSlice - 1) await breathe();
    values[index] = int64(bytes, index * 8);
  }
  return values;
};

/** Lower than 2^53, as counters and clocks are; larger ones lose their last bits. */
export const int64 = (bytes: Buffer, offset: number): number =>
  bytes.readInt32LE(offset + 4) * 2 ** 32 + bytes.readUInt32LE(offset);

export const uint32s = async (packed: string): Promise<number[]> => {
  const bytes = await unpack(packed);
  const values = new Array<number>(bytes.length / 4);
  for (let index = 0; index < values.length; index++) {
    if (index % valuesPerSlice === valuesPerSlice - 1) await breathe();
    values[index] = bytes.readUInt32LE(index * 4);
  }
  return values;
};

/** A span of time on one host's monotonic clock. */
export interface Span {
  readonly fromUs: number;
  readonly toUs: number;
}

/**
 * Indices of the stamps (ascending) that hold a span: from the last one not after its begin to the first
 * one not before its end, or the outermost where there is none. null span: all.
 */
export const indicesOf = (stamps: readonly number[], span: Span | null): [number, number] => {
  const last = stamps.length - 1;
  if (span === null) return [0, last];
  const from = stamps.findLastIndex((at) => at <= span.fromUs);
  const to = stamps.findIndex((at) => at >= span.toUs);
  return [Math.max(0, from), to < 0 ? last : to];
};

/** Lets other work of the event loop come in between two slices of a long one. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
