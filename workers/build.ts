/** Puts a worker together: servers, store, testbeds, acts. The only place that builds drivers for a campaign. */
import { Client } from "@temporalio/client";
import { NativeConnection } from "@temporalio/worker";
import { createActivities } from "../activities/index.ts";
import { endpoints } from "../services/endpoints.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { openStore } from "../store/open-store.ts";
import type { Store } from "../store/store.ts";
import type { Acts } from "../workflows/acts.ts";
import { benches } from "./benches.ts";
import { workflowBundle } from "./bundle.ts";
import { patiently } from "./patience.ts";
import { longhaulVersion } from "../services/version.ts";

export interface Built {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly bundle: string;
  readonly activities: Acts;
  readonly store: Store;
  close(): Promise<void>;
}

/** Waits for PostgreSQL and Temporal as long as they are away. */
export async function build(
  state: StateFolder,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<Built> {
  const { temporal, databaseUrl } = await patiently("services", signal, log, async () =>
    Promise.resolve(endpoints(state)),
  );
  const store = openStore(databaseUrl);
  await patiently("PostgreSQL", signal, log, () => store.migrate());
  const connection = await patiently(`Temporal at ${temporal.address}`, signal, log, () =>
    NativeConnection.connect(temporal.connection ?? { address: temporal.address }),
  );
  const [bundle, version] = await Promise.all([workflowBundle(state.cache), longhaulVersion()]);
  const known = benches(state, store);
  const { namespace } = temporal;
  const client = new Client({ connection, namespace });
  return {
    connection,
    client,
    namespace,
    bundle,
    activities: createActivities({ store, bench: known.bench, client, longhaulVersion: version }),
    store,
    async close() {
      await known.close();
      await connection.close();
      await store.close();
    },
  };
}
