/** The thread that writes series, on a connection of its own. Started by `series.ts` alone. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parentPort, workerData } from "node:worker_threads";
import pg from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { AttemptRef } from "../model/trial.ts";
import { notOpen } from "./attempts.ts";
import { connectionSettings, isOutOfReach } from "./database.ts";
import { arrivalLines, copyArrivalsSql, copyLine, copySeriesSql } from "./series-copy.ts";
import type { ArrivalsToCopy, SeriesJob, SeriesReply, SeriesToCopy } from "./series-copy.ts";

const { url } = workerData as { readonly url: string };
let connection: Promise<pg.Client> | null = null;
let queue = Promise.resolve();

parentPort?.on("message", (message: SeriesJob | null) => {
  queue = queue.then(() => (message === null ? leave() : answer(message)));
});

async function answer(job: SeriesJob): Promise<void> {
  const reply = (error: SeriesReply["error"]): void => {
    parentPort?.postMessage({ job: job.job, error } satisfies SeriesReply);
  };
  try {
    await writeOnce(job);
    reply(null);
  } catch (error) {
    // Whatever state the connection is in, the next write has a new one.
    await disconnect();
    const message = error instanceof Error ? error.message : String(error);
    reply({ message, outOfReach: isOutOfReach(error) });
  }
}

/** Series that are there stay as they are, so a write may be repeated after any failure. */
async function writeOnce({ ref, content }: SeriesJob): Promise<void> {
  connection ??= connect();
  const client = await connection;
  await client.query("BEGIN");
  // One writer of this attempt's series at a time; readers and the attempt's other rows are not held up.
  const attempt = await client.query(
    "SELECT 1 FROM attempt WHERE trial = $1 AND attempt = $2 FOR NO KEY UPDATE",
    [ref.trialId, ref.attempt],
  );
  if (attempt.rowCount === 0) throw notOpen(ref);
  if (content.kind === "counters") await copyMissing(client, ref, content.rows);
  else await copyArrivals(client, ref, content.arrivals);
  await client.query("COMMIT");
}

async function copyMissing(
  client: pg.Client,
  ref: AttemptRef,
  rows: readonly SeriesToCopy[],
): Promise<void> {
  const stored = await client.query<{ host: string; device: string; ifindex: number }>(
    "SELECT host, device, ifindex FROM counter_series WHERE trial = $1 AND attempt = $2",
    [ref.trialId, ref.attempt],
  );
  const present = new Set(stored.rows.map(keyOf));
  const missing = rows.filter(({ head }) => {
    const key = keyOf(head);
    if (present.has(key)) return false;
    present.add(key);
    return true;
  });
  await pipeline(Readable.from(lines(missing, ref)), client.query(copyFrom(copySeriesSql)));
}

function* lines(rows: readonly SeriesToCopy[], ref: AttemptRef): Generator<string> {
  for (const row of rows) yield copyLine(ref, row);
}

async function copyArrivals(
  client: pg.Client,
  ref: AttemptRef,
  arrivals: ArrivalsToCopy,
): Promise<void> {
  const stored = await client.query(
    "SELECT 1 FROM raw_arrivals WHERE trial = $1 AND attempt = $2 LIMIT 1",
    [ref.trialId, ref.attempt],
  );
  if (stored.rowCount !== 0) return;
  const text = Readable.from(arrivalLines(ref, arrivals));
  await pipeline(text, client.query(copyFrom(copyArrivalsSql)));
}

const keyOf = (series: { host: string; device: string; ifindex: number }): string =>
  JSON.stringify([series.host, series.device, series.ifindex]);

async function connect(): Promise<pg.Client> {
  const client = new pg.Client(connectionSettings(url));
  // A broken connection fails the write that waits on it; an idle one fails the next write.
  client.on("error", () => {
    connection = null;
  });
  await client.connect();
  return client;
}

async function disconnect(): Promise<void> {
  const client = await connection?.catch(() => null);
  connection = null;
  await client?.end();
}

async function leave(): Promise<void> {
  await disconnect();
  parentPort?.close();
}
