/** The other end of the load: takes in the frames of one stream, and says which of them arrived and when. */
import type { RawArrivals, SinkSummary } from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";

/** Where the frames are to arrive. */
export interface ReceivingEnd {
  readonly host: string;
  readonly device: string;
}

export interface Expected {
  /** Tag of this attempt's frames; others on the port are counted as foreign. */
  readonly tag: number;
  readonly udpPort: number;
  readonly fps: number;
  /** Sequence numbers start again after this many frames. */
  readonly sequenceModulus: number;
  readonly deadlineMs: number;
  /** Also the stamp of every frame. Default: false. */
  readonly keepRaw?: boolean;
}

export interface Received {
  readonly summary: SinkSummary;
  /** null: it was not told to keep them. */
  readonly raw: RawArrivals | null;
}

/** The packet sink is one; a generator that receives what it sent itself brings its own. */
export interface Receiver {
  readonly name: string;
  /** Returns when frames are taken in. Idempotent. @throws {CommandFailed} it cannot receive there. */
  start(fence: Fence, unit: string, end: ReceivingEnd, expected: Expected): Promise<void>;
  /** Ends it and brings home what it counted. May be repeated. @throws {CommandFailed} it left no result. */
  collect(fence: Fence, unit: string, end: ReceivingEnd): Promise<Received>;
}
