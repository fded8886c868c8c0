/** Makes the load. Its other end is a receiver. */
import type { OfferedLoad } from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";
import type { CalibrationStep } from "./calibration-steps.ts";
import type { Receiver, ReceivingEnd } from "./receiver.ts";

/** A constant-rate stream of numbered UDP frames. */
export interface Stream {
  /** 32 bits in every payload that tell this attempt's frames from any other's. */
  readonly tag: number;
  readonly source: string;
  readonly device: string;
  readonly sourceMac: string;
  readonly destinationMac: string;
  readonly sourceIp: string;
  readonly destinationIp: string;
  readonly udpPort: number;
  readonly frameSizeBytes: number;
  readonly fps: number;
  readonly durationMs: number;
  /** It is held back this long by design before it may begin; absent: it is not. */
  readonly heldMs?: number;
}

/** A way without a router in between. */
export interface CalibrationOrder {
  readonly lineFps: number;
  readonly streamOf: (fps: number) => Stream;
  readonly receiver: Receiver;
  readonly end: ReceivingEnd;
  /** Prefix of the units' names; unique on the hosts' boot. */
  readonly unit: (what: string) => string;
}

export interface Generator {
  readonly name: string;
  /** That of a generator which receives what it sent itself; absent: the packet sink counts. */
  readonly receiver?: Receiver;
  version(host: string): Promise<string>;
  /** The highest rate that it keeps and of which every frame arrives. @throws {Error} not even the lowest one. */
  calibrate(fence: Fence, order: CalibrationOrder): Promise<CalibrationStep>;
  /** Begins `prepare`, and does not wait for its end. Idempotent. */
  load(fence: Fence, unit: string, stream: Stream): Promise<void>;
  /** All that can be done before the trial, by the unit `unit` where a generator can wait loaded and ready. Idempotent. @throws {CommandFailed} with the generator's own words when it refuses. */
  prepare(fence: Fence, unit: string, stream: Stream): Promise<void>;
  /** After this many frames the numbers in the payload begin again at 0. */
  sequenceModulus(stream: Stream): number;
  /** Lets the prepared unit send; nothing is started on the host. Returns when frames leave (the sender's counter moves). @throws {CommandFailed} when the generator refuses its arguments: a harness fault, never loss. */
  start(fence: Fence, unit: string, stream: Stream): Promise<void>;
  /** Waits for the end and says what was sent, from the generator's own counters. `onProgress` is told frames that the sender's NIC counted. @throws {CommandFailed} @throws {NoExitStatus} */
  finish(unit: string, stream: Stream, onProgress: (frames: number) => void): Promise<OfferedLoad>;
  /** The offered load of a unit that ended while nobody waited; null when it has not ended well. */
  offered(unit: string, stream: Stream): Promise<OfferedLoad | null>;
  stop(fence: Fence, unit: string, stream: Stream): Promise<void>;
}
