/** Puts a worker together: servers, store, testbeds, acts. The only place that builds drivers for a campaign. */
import { Client } from "@temporalio/client";
import { NativeConnection } from "@temporalio/worker";
import { createActivities } from "../activities/index.ts";
import { endpoints } from "../services/endpoints.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { openStore } from "../store/open-store.ts";
import type { SchemaUse } from "../store/schema-use.ts";
import type { Store } from "../store/store.ts";
import type { Acts } from "../workflows/acts.ts";
import { benches } from "./benches.ts";
import { workflowBundle } from "./bundle.ts";
import { patiently } from "./patience.ts";
import type { Waiting } from "./patience.ts";
import { longhaulVersion } from "../services/version.ts";

export interface Built {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  readonly bundle: string;
  readonly activities: Acts;
  readonly store: Store;
  readonly schema: SchemaUse;
  close(): Promise<void>;
}

/** Waits for PostgreSQL and Temporal as long as they are away. */
export async function build(state: StateFolder, waiting: Waiting): Promise<Built> {
  const { temporal, databaseUrl } = await patiently("services", waiting, async () =>
    Promise.resolve(endpoints(state)),
  );
  const store = openStore(databaseUrl);
  const schema = await patiently("PostgreSQL", waiting, async () => {
    await store.migrate();
    return store.useSchema();
  });
  const connection = await patiently(`Temporal at ${temporal.address}`, waiting, () =>
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
    schema,
    async close() {
      await known.close();
      await connection.close();
      await schema.end();
      await store.close();
    },
  };
}
