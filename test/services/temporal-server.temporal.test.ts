import {
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeSync,
  closeSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "@temporalio/client";
import type { Connection } from "@temporalio/client";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  defaultNamespace,
  retentionDays,
  searchAttributes,
} from "../../model/search-attributes.ts";
import { choosePort } from "../../services/ports.ts";
import { endProcess, identityOf } from "../../services/process-identity.ts";
import { prepareTemporal, startTemporal, temporalCommand } from "../../services/temporal-server.ts";
import type { RunningTemporal } from "../../services/temporal-server.ts";
import { namespaceFacts, withConnection } from "../../services/temporal-namespace.ts";
import { temporalBinary } from "../../services/temporal.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-temporal-"));
const cache = process.env.LONGHAUL_CACHE ?? join(import.meta.dirname, "../../.longhaul/cache");
const databaseFile = join(folder, "temporal.db");
const log = join(folder, "log");
const running = new Set<RunningTemporal>();
let binary: string;

beforeAll(async () => {
  binary = await temporalBinary(cache, () => undefined);
});
afterAll(async () => {
  for (const server of running) await server.stop();
  rmSync(folder, { recursive: true });
});

const freePorts = async () => {
  const taken = new Set<number>();
  for (let n = 0; n < 3; n += 1) taken.add(await choosePort("7e57aa", null, taken));
  const [frontend = 0, ui = 0, metrics = 0] = taken;
  return { frontend, ui, metrics };
};
const start = async (file = databaseFile) => {
  const server = await startTemporal({ binary, databaseFile: file, ports: await freePorts(), log });
  running.add(server);
  return server;
};
const stop = async (server: RunningTemporal) => {
  await server.stop();
  running.delete(server);
};
const withClient = (address: string, act: (client: Client) => Promise<void>) =>
  withConnection({ address }, (connection) =>
    act(new Client({ connection, namespace: defaultNamespace })),
  );

test("a fresh server keeps histories 90 days and knows every search attribute", async () => {
  const server = await start();
  await withConnection({ address: server.address }, async (connection: Connection) => {
    expect(await namespaceFacts(connection, defaultNamespace)).toEqual({
      retentionDays,
      missingAttributes: [],
      otherTypes: [],
    });
    expect((await namespaceFacts(connection, "nobody")).retentionDays).toBeNull();
  });
  await stop(server);
});

test("search attributes and retention are mended on a database that lacks them", async () => {
  const file = join(folder, "older.db");
  const ports = await freePorts();
  const bare = ["server", "start-dev", "--headless", "--db-filename", file, "--ip", "127.0.0.1"];
  const older = execa(
    binary,
    [...bare, "--port", String(ports.frontend), "--namespace", defaultNamespace],
    { reject: false },
  );
  await expect
    .poll(
      () =>
        withConnection({ address: `127.0.0.1:${ports.frontend}` }, (connection) =>
          namespaceFacts(connection, defaultNamespace),
        ).catch(() => null),
      { timeout: 30_000 },
    )
    .toMatchObject({ retentionDays: 1, missingAttributes: Object.keys(searchAttributes) });
  older.kill("SIGTERM");
  await older;
  const server = await start(file);
  await withConnection({ address: server.address }, async (connection) => {
    expect(await namespaceFacts(connection, defaultNamespace)).toEqual({
      retentionDays,
      missingAttributes: [],
      otherTypes: [],
    });
  });
  await stop(server);
});

test("workflows survive kill -9 of the server", async () => {
  const server = await start();
  await withClient(server.address, async (client) => {
    await client.workflow.start("nobodyServesThis", {
      workflowId: "survivor",
      taskQueue: "nobody",
      searchAttributes: { LhCampaign: ["c"] },
    });
  });
  const identity = identityOf(server.pid);
  expect(identity).not.toBeNull();
  if (identity) expect(await endProcess(identity, "SIGKILL", 10_000)).toBe("ended");
  running.delete(server);
  const again = await start();
  await withClient(again.address, async (client) => {
    const description = await client.workflow.getHandle("survivor").describe();
    expect(description.status.name).toBe("RUNNING");
    expect(description.searchAttributes.LhCampaign).toEqual(["c"]);
  });
  await stop(again);
});

test("a second server on the same file is refused, also on other ports", async () => {
  const server = await start();
  await expect(prepareTemporal(databaseFile, () => undefined)).rejects.toThrow(
    /a Temporal server runs on this database/,
  );
  const [program = "", ...args] = temporalCommand({
    binary,
    databaseFile,
    ports: await freePorts(),
  });
  expect((await execa(program, args, { reject: false })).exitCode).toBe(75);
  await stop(server);
});

test("a damaged database is set aside, said so, and a new one serves", async () => {
  const file = join(folder, "damaged.db");
  await stop(await start(file));
  // Opening it moves what the write-ahead log holds into the file itself.
  await prepareTemporal(file, () => undefined);
  const handle = openSync(file, "r+");
  for (let at = 8192; at < statSync(file).size; at += 4096)
    writeSync(handle, "garbage ".repeat(200), at);
  closeSync(handle);
  const said: string[] = [];
  await prepareTemporal(file, (line) => said.push(line));
  expect(said.join()).toMatch(/damaged\.db is damaged \(.+\); it was set aside as/);
  expect(readdirSync(folder).filter((name) => name.startsWith("damaged.db.damaged-"))).not.toEqual(
    [],
  );
  await stop(await start(file));
});

test("a file that is no database is set aside, too", async () => {
  const file = join(folder, "text.db");
  writeFileSync(file, "no database at all\n".repeat(1000));
  const said: string[] = [];
  await prepareTemporal(file, (line) => said.push(line));
  expect(said.join()).toMatch(/file is not a database/);
});

test("the server's own messages go to its log", () => {
  expect(readFileSync(log, "utf8")).toMatch(/Temporal CLI \d+\.\d+\.\d+/);
});
