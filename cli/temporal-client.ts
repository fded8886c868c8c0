/** Temporal for the time of one command. */
import { hostname, userInfo } from "node:os";
import { Client, Connection } from "@temporalio/client";
import { endpoints } from "../services/endpoints.ts";
import type { StateFolder } from "../services/state-folder.ts";

const connectTimeoutMs = 5000;

/** Connects, and closes the connection afterwards. @throws when Temporal is away; the message says what follows from it. */
export async function withClient<Result>(
  state: StateFolder,
  use: (client: Client) => Promise<Result>,
): Promise<Result> {
  const { temporal } = endpoints(state);
  const connection = await Connection.connect({
    ...temporal.connection,
    connectTimeout: connectTimeoutMs,
  }).catch((cause: unknown) => {
    throw new Error(
      `Temporal at ${temporal.address} does not answer, and campaigns are steered through it alone; ${temporal.embedded ? "`longhaul up` starts it" : "look at TEMPORAL_ADDRESS and at that server"}`,
      { cause },
    );
  });
  try {
    return await use(new Client({ connection, namespace: temporal.namespace }));
  } finally {
    await connection.close();
  }
}

/** Who asks, for the record: `root@bench-3`. */
export const asker = (): string => `${process.env.SUDO_USER ?? userInfo().username}@${hostname()}`;
