/** A pcap file of numbered UDP frames, as the sink expects them. */
import { writeFile } from "node:fs/promises";

export interface CaptureOptions {
  readonly frames: number;
  readonly tag: number;
  readonly port: number;
  readonly sourceMac: string;
  readonly sinkMac: string;
  /** Sequence numbers in order of sending; 0, 1, 2, … by default. */
  readonly sequence?: (index: number) => number;
}

export const writeCapture = async (path: string, options: CaptureOptions): Promise<void> => {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const parts = [header];
  for (let index = 0; index < options.frames; index++) {
    const record = Buffer.alloc(16 + 60);
    record.writeUInt32LE(60, 8);
    record.writeUInt32LE(60, 12);
    frame(options, options.sequence?.(index) ?? index).copy(record, 16);
    parts.push(record);
  }
  await writeFile(path, Buffer.concat(parts));
};

const frame = ({ tag, port, sourceMac, sinkMac }: CaptureOptions, sequence: number): Buffer => {
  const bytes = Buffer.alloc(60);
  Buffer.from(sinkMac.replaceAll(":", ""), "hex").copy(bytes, 0);
  Buffer.from(sourceMac.replaceAll(":", ""), "hex").copy(bytes, 6);
  bytes.writeUInt16BE(0x0800, 12);
  const ip = bytes.subarray(14, 34);
  ip[0] = 0x45;
  ip.writeUInt16BE(46, 2);
  ip[8] = 64;
  ip[9] = 17;
  Buffer.from([198, 18, 1, 10, 198, 18, 1, 11]).copy(ip, 12);
  let sum = 0;
  for (let offset = 0; offset < 20; offset += 2) sum += ip.readUInt16BE(offset);
  sum = (sum & 0xffff) + (sum >> 16);
  ip.writeUInt16BE(~(sum + (sum >> 16)) & 0xffff, 10);
  bytes.writeUInt16BE(port, 34);
  bytes.writeUInt16BE(port, 36);
  bytes.writeUInt16BE(26, 38);
  bytes.writeUInt16BE(0x4c48, 42);
  bytes.writeUInt32BE(tag, 44);
  bytes.writeUInt32BE(sequence, 48);
  return bytes;
};
