import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openStore } from "../../store/open-store.ts";
import { StoreUnavailable } from "../../store/store.ts";
import type { Store } from "../../store/store.ts";
import { freePort } from "../../services/postgres.ts";
import { attemptOf, planted } from "./sample-plan.ts";
import { withStore } from "./postgres-server.ts";

const postgres = withStore();
const opened: Store[] = [];
const opening = (url: string): Store => {
  const store = openStore(url);
  opened.push(store);
  return store;
};
afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});
const series = {
  ...{ host: "R1", device: "eth0", ifindex: 1, beforeUs: [1], afterUs: [2], rxFrames: [3] },
  ...{ rxBytes: [4], rxDropped: [5], txFrames: [6], txBytes: [7], txDropped: [8] },
  accuracy: { intervalMs: 10, p50Ms: 10, p99Ms: 10, maxMs: 10, missedTicks: 0, readP99Us: 1 },
};
const bundle = { clock: { host: "R1", offsetUs: 0, uncertaintyUs: 0 }, series: [series] };

test("a killed server is StoreUnavailable, loses nothing and is used again when it is back", async () => {
  const { store, server } = postgres;
  const plan = await planted(store, "killed");
  const ref = attemptOf(plan, 0, 1, 1);
  await store.openAttempt(ref);
  await store.putSeries(ref, [bundle]);
  const writes = Array.from({ length: 20 }, (_, index) =>
    store.putProvenance(ref, { index }).catch((error: unknown) => error),
  );
  process.kill(server.running.pid, "SIGKILL");
  for (const answer of await Promise.all(writes)) {
    if (answer !== undefined) expect(answer).toBeInstanceOf(StoreUnavailable);
  }
  // Backends may answer for a moment after the death of the postmaster.
  await expect
    .poll(() => store.status("killed").catch((error: unknown) => error), { timeout: 20_000 })
    .toBeInstanceOf(StoreUnavailable);
  await expect(store.openAttempt(attemptOf(plan, 1, 1, 2))).rejects.toThrow(StoreUnavailable);
  const second = { ...bundle, series: [{ ...series, device: "eth1" }] };
  await expect(store.putSeries(ref, [second])).rejects.toThrow(StoreUnavailable);

  await server.restart();
  await store.putSeries(ref, [bundle, second]);
  expect(await store.status("killed")).toMatchObject({ planned: 6, running: 1, attempts: 1 });
  const stored = await store.series(ref.trialId, 1);
  expect(stored.map(({ device }) => device)).toEqual(["eth0", "eth1"]);
});

test("a server that shuts down in the middle of a transaction is StoreUnavailable", async () => {
  const { store, server } = postgres;
  const plan = await planted(store, "shut-down");
  const attempts = Array.from({ length: 30 }, (_, index) =>
    store.openAttempt(attemptOf(plan, index % 6, 1, 50)).catch((error: unknown) => error),
  );
  await server.running.stop();
  for (const answer of await Promise.all(attempts)) {
    if (typeof answer !== "boolean") expect(answer).toBeInstanceOf(StoreUnavailable);
  }
  await server.restart();
  const status = await store.status("shut-down");
  expect(status?.planned).toBe((status?.pending ?? 0) + (status?.running ?? 0));
});

test("an address where nothing listens is told with its reason and the next step, without the password", async () => {
  const port = await freePort();
  const store = opening(`postgresql://ann:secret@127.0.0.1:${port}/results`);
  const failure: unknown = await store.status("x").catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(StoreUnavailable);
  expect((failure as Error).message).toBe(
    `store at 127.0.0.1:${port}/results: PostgreSQL cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}\n` +
      "Start the embedded one with `longhaul up`, or check DATABASE_URL.",
  );
  expect((failure as Error).cause).toMatchObject({ code: "ECONNREFUSED" });
});

test("a refused password and an absent database are StoreUnavailable with the server's words", async () => {
  const wrong = new URL(postgres.url);
  wrong.password = "guess";
  await expect(opening(wrong.href).testbeds()).rejects.toThrow(/password authentication failed/);
  const absent = new URL(postgres.url);
  absent.pathname = "/absent";
  await expect(opening(absent.href).testbeds()).rejects.toThrow(StoreUnavailable);
});

test("an address that accepts and hangs up at once is StoreUnavailable", async () => {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(opening(`postgresql://a:b@127.0.0.1:${port}/c`).testbeds()).rejects.toThrow(
    StoreUnavailable,
  );
  await new Promise((resolve) => server.close(resolve));
});
