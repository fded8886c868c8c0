import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { DatabaseSync } from "node:sqlite";
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
import { databasesSetAside } from "../../services/temporal-database.ts";
import {
  prepareTemporal,
  startTemporal,
  temporalAnswers,
  temporalCommand,
} from "../../services/temporal-server.ts";
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

const garbled = (file: string, from: number, to: number) => {
  const handle = openSync(file, "r+");
  for (let at = from; at < to; at += 4096) writeSync(handle, "garbage ".repeat(200), at);
  closeSync(handle);
};
const damages: Record<string, { damage: (file: string) => void; says: RegExp }> = {
  "garbage in every page": {
    damage: (file) => garbled(file, 8192, statSync(file).size),
    says: /is damaged \(.+\); it was set aside as/,
  },
  "garbage in its middle": {
    damage: (file) => {
      const middle = 4096 * Math.floor(statSync(file).size / 8192);
      garbled(file, middle, middle + 8 * 4096);
    },
    says: /is damaged/,
  },
  "its second half missing": {
    damage: (file) => truncateSync(file, 4096 * Math.floor(statSync(file).size / 8192)),
    says: /malformed/,
  },
  "a part of a page missing": {
    damage: (file) => truncateSync(file, statSync(file).size - 1000),
    says: /is damaged/,
  },
  "no byte left": {
    damage: (file) => truncateSync(file, 0),
    says: /no database of Temporal's: no namespaces/,
  },
  "another program's tables": {
    damage: (file) => {
      rmSync(file);
      const database = new DatabaseSync(file);
      database.exec("CREATE TABLE executions (x int)");
      database.close();
    },
    says: /no database of Temporal's: no namespaces, no history_node/,
  },
  "text in its stead": {
    damage: (file) => writeFileSync(file, "no database at all\n".repeat(1000)),
    says: /file is not a database/,
  },
};

test.each(Object.entries(damages))(
  "a database with %s is set aside and said so",
  async (name, { damage, says }) => {
    const file = join(folder, `${name.replaceAll(/\W/g, "-")}.db`);
    const sound = join(folder, "sound.db");
    if (!existsSync(sound)) await stop(await start(sound));
    // Opening it moves what the write-ahead log holds into the file itself.
    await prepareTemporal(sound, () => undefined);
    expect(databasesSetAside(sound)).toEqual([]);
    copyFileSync(sound, file);
    damage(file);
    const damaged = readFileSync(file);
    const said: string[] = [];
    await prepareTemporal(file, (line) => said.push(line));
    expect(said.join()).toMatch(says);
    const [aside = ""] = databasesSetAside(file);
    expect(readFileSync(aside).equals(damaged)).toBe(true);
    expect(existsSync(file)).toBe(false);
  },
);

test("a new database serves where a damaged one was set aside", async () => {
  const file = join(folder, "damaged.db");
  writeFileSync(file, "");
  await stop(await start(file));
});

test("a database that cannot be looked at is not taken for damaged", async () => {
  const file = join(folder, "folder.db");
  mkdirSync(file);
  await expect(prepareTemporal(file, () => undefined)).rejects.toThrow(
    /cannot be looked at before the start/,
  );
  expect(existsSync(file)).toBe(true);
});

test("a server that was started by hand on the same file is not disturbed by a second one", async () => {
  const file = join(folder, "by-hand.db");
  const ports = await freePorts();
  const byHand = execa(
    binary,
    [
      ...["server", "start-dev", "--headless", "--db-filename", file, "--ip", "127.0.0.1"],
      ...["--port", String(ports.frontend), "--sqlite-pragma", "journal_mode=WAL"],
    ],
    { reject: false },
  );
  const answers = () =>
    withConnection({ address: `127.0.0.1:${ports.frontend}` }, (connection) =>
      namespaceFacts(connection, "default"),
    ).catch(() => null);
  await expect.poll(answers, { timeout: 30_000 }).toMatchObject({ retentionDays: 1 });
  await expect(start(file)).rejects.toThrow(/another process has this database open/);
  expect(databasesSetAside(file)).toEqual([]);
  expect(await answers()).toMatchObject({ retentionDays: 1 });
  byHand.kill("SIGTERM");
  await byHand;
});

test("a server that is stopped does not answer, and answers when it goes on", async () => {
  const file = join(folder, "stopped.db");
  const ports = await freePorts();
  const server = await startTemporal({ binary, databaseFile: file, ports, log });
  running.add(server);
  expect(await temporalAnswers(ports.frontend)).toBe(true);
  process.kill(server.pid, "SIGSTOP");
  expect(await temporalAnswers(ports.frontend)).toBe(false);
  process.kill(server.pid, "SIGCONT");
  expect(await temporalAnswers(ports.frontend)).toBe(true);
  await stop(server);
  expect(await temporalAnswers(ports.frontend)).toBe(false);
});

test("the server's own messages go to its log", () => {
  expect(readFileSync(log, "utf8")).toMatch(/Temporal CLI \d+\.\d+\.\d+/);
});
