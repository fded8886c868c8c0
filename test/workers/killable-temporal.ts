/** A Temporal server on a database file for the tests of one file, to be killed and started again, and workers on it. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { NativeConnection, Worker } from "@temporalio/worker";
import { afterAll, beforeAll } from "vitest";
import { defaultNamespace } from "../../model/search-attributes.ts";
import { choosePort } from "../../services/ports.ts";
import { endProcess, identityOf } from "../../services/process-identity.ts";
import { startTemporal, type RunningTemporal } from "../../services/temporal-server.ts";
import { temporalBinary } from "../../services/temporal.ts";
import { workflowBundle } from "../../workers/bundle.ts";
import type { Acts } from "../../workflows/acts.ts";
import { quietRuntime, testCache } from "../workflows/server.ts";

/** Use the members inside tests only. */
export function killableTemporal() {
  const folder = mkdtempSync(join(tmpdir(), "longhaul-killable-"));
  const databaseFile = join(folder, "temporal.db");
  const ports = { frontend: 0, ui: 0, metrics: 0 };
  let [binary, codePath] = ["", ""];
  let server: RunningTemporal;
  let connection: NativeConnection;
  let client: Client;
  const start = async (): Promise<void> => {
    server = await startTemporal({ binary, databaseFile, ports, log: join(folder, "log") });
  };

  beforeAll(async () => {
    quietRuntime();
    [binary, codePath] = await Promise.all([
      temporalBinary(testCache, () => undefined),
      workflowBundle(testCache),
    ]);
    const taken = new Set<number>();
    // While this server is down its ports are free: no other file may begin at the same one.
    const seed = randomBytes(3).toString("hex");
    for (const name of ["frontend", "ui", "metrics"] as const)
      taken.add((ports[name] = await choosePort(seed, null, taken)));
    await start();
    connection = await NativeConnection.connect({ address: server.address });
    client = new Client({
      connection: await Connection.connect({ address: server.address }),
      namespace: defaultNamespace,
    });
  });
  afterAll(async () => {
    await client.connection.close();
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  return {
    folder,
    databaseFile,
    get client() {
      return client;
    },
    start,
    stop: () => server.stop(),
    async kill(): Promise<void> {
      const identity = identityOf(server.pid);
      if (identity !== null) await endProcess(identity, "SIGKILL", 10_000);
    },
    worker: (acts: Acts, queue: string): Promise<Worker> =>
      Worker.create({
        ...{ connection, namespace: defaultNamespace, taskQueue: queue, activities: acts },
        workflowBundle: { codePath },
        maxHeartbeatThrottleInterval: "1s",
        stickyQueueScheduleToStartTimeout: "1s",
      }),
  };
}
