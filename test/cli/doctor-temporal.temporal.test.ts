/** What `doctor` finds of a Temporal server that somebody else runs, and that its own commands mend it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { temporalChecks } from "../../cli/doctor-temporal.ts";
import { externalTemporal } from "../../services/endpoints.ts";
import { choosePort } from "../../services/ports.ts";
import { temporalBinary } from "../../services/temporal.ts";
import { testCache } from "../workflows/server.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-doctor-"));
let server: ChildProcess;
let address: string;
let binary: string;

beforeAll(async () => {
  binary = await temporalBinary(process.env.LONGHAUL_CACHE ?? testCache, () => undefined);
  const port = await choosePort("d0c704", null, new Set());
  address = `127.0.0.1:${port}`;
  const flags = ["--headless", "--ip", "127.0.0.1", "--port", String(port), "--log-level", "error"];
  server = spawn(binary, ["server", "start-dev", ...flags], {
    env: { HOME: folder },
    stdio: "ignore",
  });
  await vi.waitFor(async () => expect((await checks())[0]).toMatchObject({ result: "ok" }), {
    timeout: 30_000,
    interval: 200,
  });
});
afterAll(async () => {
  server.kill("SIGTERM");
  await once(server, "exit");
  rmSync(folder, { recursive: true });
});

const checks = (namespace = "measure") => {
  const named = externalTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace });
  if (named === null) throw new Error("the environment names no server");
  return temporalChecks(named, binary);
};
const check = async (name: string, namespace?: string) => {
  const found = (await checks(namespace)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no check ${name}`);
  return found;
};
const run = (command: string | null) =>
  execa("sh", ["-c", command ?? "false"], { env: { HOME: folder } });

test("namespace, retention and search attributes are mended by the commands that doctor gives", async () => {
  const namespace = await check("namespace");
  expect(namespace).toMatchObject({ result: "fail" });
  expect(namespace.detail).toBe(`${address} has no namespace measure`);
  expect((await check("search attributes")).detail).toMatch(/missing: LhCampaign, .*LhPlanned/);
  await run(namespace.mend);
  expect(await check("namespace")).toMatchObject({ result: "ok" });
  expect(await check("retention")).toMatchObject({ result: "ok" });

  const { mend } = await check("search attributes");
  // The server's cache of namespaces is renewed every few seconds.
  await expect
    .poll(() => run(mend).then(() => "done", String), { timeout: 60_000, interval: 500 })
    .toBe("done");
  expect((await checks()).map(({ result }) => result)).toEqual(["ok", "ok", "ok", "ok"]);
}, 90_000);

test("histories that are kept too short are found, and mended", async () => {
  await run(`${binary} operator namespace create -n short --address ${address} --retention 72h`);
  const found = await check("retention", "short");
  expect(found).toMatchObject({ result: "fail" });
  expect(found.detail).toBe("closed workflows are kept for 3 days, campaigns need 90");
  await run(found.mend);
  expect(await check("retention", "short")).toMatchObject({ result: "ok" });
});

test("a search attribute of another type is told, and that only another namespace mends it", async () => {
  await run(`${binary} operator namespace create -n other --address ${address} --retention 2160h`);
  const create = `${binary} operator search-attribute create -n other --address ${address} --name LhDone --type Keyword`;
  await expect
    .poll(() => run(create).then(() => "done", String), { timeout: 60_000, interval: 500 })
    .toBe("done");
  const found = await check("search attributes", "other");
  expect(found.detail).toContain("of another type: LhDone");
  expect(found.mend).toContain("TEMPORAL_NAMESPACE");
}, 90_000);

test("a server that does not answer is one line, with what to look at", async () => {
  const named = externalTemporal({ TEMPORAL_ADDRESS: "127.0.0.1:9" });
  if (named === null) throw new Error("the environment names no server");
  const found = await temporalChecks(named, binary);
  expect(found).toMatchObject([{ name: "Temporal server", result: "fail" }]);
  expect(found[0]?.mend).toContain("TEMPORAL_ADDRESS");
});
