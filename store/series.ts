/**
 * Counter series and stamps of every frame: written by COPY from a thread of its own, so that neither the text of millions of
 * numbers nor the database holds up the heartbeats of the thread that measures.
 */
import { Worker } from "node:worker_threads";
import type { RawArrivals } from "../model/measurement.ts";
import type { AttemptRef } from "../model/trial.ts";
import { reached, unavailable } from "./database.ts";
import type { Database } from "./database.ts";
import { seriesColumns } from "./series-copy.ts";
import type { SeriesJob, SeriesReply, SeriesToCopy, ToCopy } from "./series-copy.ts";
import type { SeriesRow, Store } from "./store.ts";

type SeriesVerbs = Pick<Store, "putSeries" | "series" | "putArrivals" | "arrivals">;
type Bundles = Parameters<Store["putSeries"]>[1];

/** `close` waits for what is being written. */
export function openSeries(database: Database): {
  readonly verbs: SeriesVerbs;
  readonly close: () => Promise<void>;
} {
  const writer = seriesWriter(database.url);
  const verbs: SeriesVerbs = {
    async putSeries(ref, bundles) {
      if (bundles.every(({ series }) => series.length === 0)) return;
      const rows: SeriesToCopy[] = [];
      for (const { clock, series } of bundles) {
        for (const one of series) {
          rows.push(packed(clock, one));
          // Another turn of the event loop: packing all at once would hold it up.
          await new Promise(setImmediate);
        }
      }
      await reached(database.url, writer.write(ref, { kind: "counters", rows }));
    },
    series: (trial, attempt) => readSeries(database, trial, attempt),
    async putArrivals(ref, host, { arrivalUs, sequence }) {
      const arrivals = {
        host,
        arrivalUs: new Float64Array(arrivalUs),
        sequence: new Float64Array(sequence),
      };
      await reached(database.url, writer.write(ref, { kind: "arrivals", arrivals }));
    },
    arrivals: (trial, attempt) => readArrivals(database, trial, attempt),
  };
  return { verbs, close: () => writer.close() };
}

/** Numbers in typed arrays change hands without being copied. */
function packed(
  clock: Bundles[number]["clock"],
  { host, device, ifindex, accuracy, ...columns }: Bundles[number]["series"][number],
): SeriesToCopy {
  return {
    head: { host, device, ifindex, accuracy, clock },
    columns: seriesColumns.map((name) => new Float64Array(columns[name])),
  };
}

interface Waiter {
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

interface SeriesWriter {
  write(ref: AttemptRef, content: ToCopy): Promise<void>;
  close(): Promise<void>;
}

/** One thread for each store, started by the first write. */
function seriesWriter(url: string): SeriesWriter {
  let thread: Worker | null = null;
  let lastJob = 0;
  const waiting = new Map<number, Waiter>();

  const settle = (job: number, act: (waiter: Waiter) => void) => {
    const waiter = waiting.get(job);
    if (waiter === undefined) return;
    waiting.delete(job);
    if (waiting.size === 0) thread?.unref();
    act(waiter);
  };

  const start = (): Worker => {
    const worker = new Worker(new URL("./series-thread.ts", import.meta.url), {
      workerData: { url },
    });
    worker.on("message", ({ job, error }: SeriesReply) => {
      settle(job, ({ done, failed }) => {
        if (error === null) done();
        else if (error.outOfReach) failed(unavailable(url, new Error(error.message)));
        else failed(new Error(`series: ${error.message}`));
      });
    });
    const end = (cause: unknown): void => {
      thread = null;
      for (const job of [...waiting.keys()]) {
        settle(job, ({ failed }) => {
          failed(new Error("series: the writing thread ended", { cause }));
        });
      }
    };
    worker.on("error", end);
    worker.on("exit", end);
    return worker;
  };

  return {
    write(ref, content) {
      thread ??= start();
      // The process stays alive for as long as something is being written, no longer.
      thread.ref();
      const worker = thread;
      lastJob += 1;
      const job = lastJob;
      return new Promise((done, failed) => {
        waiting.set(job, { done, failed });
        worker.postMessage({ job, ref, content } satisfies SeriesJob, buffersOf(content));
      });
    },
    async close() {
      const worker = thread;
      if (worker === null) return;
      worker.ref();
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage(null);
      await ended;
    },
  };
}

/** They change hands, and are not copied. */
const buffersOf = (content: ToCopy): ArrayBuffer[] =>
  content.kind === "counters"
    ? content.rows.flatMap((row) => row.columns.map((column) => column.buffer))
    : [content.arrivals.arrivalUs.buffer, content.arrivals.sequence.buffer];

async function readArrivals(
  database: Database,
  trial: string,
  attempt: number,
): Promise<RawArrivals | null> {
  const rows = await database.rows<RawArrivals>(
    "SELECT arrival_us, sequence FROM raw_arrivals WHERE trial = $1 AND attempt = $2 ORDER BY first_frame",
    [trial, attempt],
  );
  return rows.length === 0
    ? null
    : {
        arrivalUs: rows.flatMap(({ arrivalUs }) => arrivalUs),
        sequence: rows.flatMap(({ sequence }) => sequence),
      };
}

interface FlatSeries extends Omit<SeriesRow, "accuracy" | "clock"> {
  readonly intervalMs: number;
  readonly achievedP50Ms: number;
  readonly achievedP99Ms: number;
  readonly achievedMaxMs: number;
  readonly missedTicks: number;
  readonly readP99Us: number;
  readonly clockOffsetUs: number;
  readonly clockUncertaintyUs: number;
}

async function readSeries(
  database: Database,
  trial: string,
  attempt: number,
): Promise<readonly SeriesRow[]> {
  const rows = await database.rows<FlatSeries & { testbed: string }>(
    "SELECT * FROM counter_series WHERE trial = $1 AND attempt = $2 ORDER BY host, device, ifindex",
    [trial, attempt],
  );
  return rows.map((row) => ({
    trial,
    attempt,
    host: row.host,
    device: row.device,
    ifindex: row.ifindex,
    accuracy: {
      intervalMs: row.intervalMs,
      p50Ms: row.achievedP50Ms,
      p99Ms: row.achievedP99Ms,
      maxMs: row.achievedMaxMs,
      missedTicks: row.missedTicks,
      readP99Us: row.readP99Us,
    },
    clock: {
      host: row.host,
      offsetUs: row.clockOffsetUs,
      uncertaintyUs: row.clockUncertaintyUs,
    },
    beforeUs: row.beforeUs,
    afterUs: row.afterUs,
    rxFrames: row.rxFrames,
    rxBytes: row.rxBytes,
    rxDropped: row.rxDropped,
    txFrames: row.txFrames,
    txBytes: row.txBytes,
    txDropped: row.txDropped,
  }));
}
