import { loadClientConnectConfig } from "@temporalio/envconfig";
import type { ClientConnectConfig } from "@temporalio/envconfig";
import { defaultNamespace } from "../model/search-attributes.ts";
import { UsageError } from "../model/usage-error.ts";
import { postgresPassword } from "./postgres-password.ts";
import { postgresUrl } from "./postgres.ts";
import { readServices } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";

export interface TemporalEndpoint {
  readonly address: string;
  readonly namespace: string;
  /** Base address of the UI; null: not known (a real server, and no LONGHAUL_TEMPORAL_UI). */
  readonly ui: string | null;
  readonly embedded: boolean;
  /** For `Connection.connect` and `NativeConnection.connect`: address, TLS, API key, metadata. */
  readonly connection: ClientConnectConfig["connectionOptions"];
}

export interface Endpoints {
  readonly temporal: TemporalEndpoint;
  /** For `pg`, which reads PG* itself for whatever the URL leaves out, sslmode and the like included. */
  readonly databaseUrl: string;
  /** Both servers are the embedded ones. */
  readonly embedded: boolean;
}

/**
 * The real Temporal server that the environment names by TEMPORAL_ADDRESS, or by a profile or file of
 * Temporal's own configuration; null: the embedded one. TEMPORAL_NAMESPACE alone names no server.
 */
export function externalTemporal(env: NodeJS.ProcessEnv): TemporalEndpoint | null {
  // An empty one names nothing.
  if (!(env.TEMPORAL_ADDRESS || env.TEMPORAL_PROFILE || env.TEMPORAL_CONFIG_FILE)) return null;
  const config = connectConfig(env);
  return {
    address: config.connectionOptions.address ?? "127.0.0.1:7233",
    namespace: config.namespace ?? defaultNamespace,
    ui: env.LONGHAUL_TEMPORAL_UI?.replace(/\/$/, "") ?? null,
    embedded: false,
    connection: config.connectionOptions,
  };
}

function connectConfig(env: NodeJS.ProcessEnv): ClientConnectConfig {
  try {
    return loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(
        Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
      ),
    });
  } catch (cause) {
    throw new UsageError(
      `TEMPORAL_*: Temporal's environment configuration cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

/** The real PostgreSQL that DATABASE_URL or PG* name; null: the embedded one. */
export function externalDatabase(env: NodeJS.ProcessEnv): string | null {
  if (env.DATABASE_URL) return env.DATABASE_URL;
  const named = [env.PGHOST, env.PGPORT, env.PGDATABASE].some((value) => (value ?? "") !== "");
  return named ? "postgresql://" : null;
}

/** Where that PostgreSQL is, without a secret; null: the embedded one. */
export function externalDatabasePlace(env: NodeJS.ProcessEnv): string | null {
  const url = externalDatabase(env);
  if (url === null) return null;
  const named = URL.canParse(url) ? new URL(url) : null;
  const [host, port, database] = [
    [named?.hostname, named?.searchParams.get("host"), env.PGHOST, "localhost"],
    [named?.port, env.PGPORT, "5432"],
    [named?.pathname.slice(1), env.PGDATABASE, "(its default)"],
  ].map((candidates) =>
    candidates.find((word) => word !== undefined && word !== null && word !== ""),
  );
  return `${host}:${port}/${database}`;
}

/** Where an embedded service listens. @throws when services were never started in this state folder. */
function embeddedPort(state: StateFolder, service: "temporal" | "temporalUi" | "postgres"): number {
  const port = readServices(state)?.ports[service];
  if (port === undefined)
    throw new Error(
      `${state.path}: the embedded services have not been started here; run \`longhaul up\``,
    );
  return port;
}

/**
 * The servers in use: real ones named by the environment, else the embedded ones of the state folder.
 * Whether they run now is another question: `servicesStatus`.
 *
 * @throws when an embedded server is meant and was never started in this state folder.
 */
export function endpoints(state: StateFolder, env: NodeJS.ProcessEnv = process.env): Endpoints {
  const temporal = externalTemporal(env) ?? embeddedTemporal(state);
  const external = externalDatabase(env);
  const databaseUrl = external ?? embeddedDatabaseUrl(state);
  return { temporal, databaseUrl, embedded: temporal.embedded && external === null };
}

/** @throws when services were never started in this state folder. */
export const embeddedDatabaseUrl = (state: StateFolder): string =>
  postgresUrl({ port: embeddedPort(state, "postgres"), password: postgresPassword(state) });

/** @throws when services were never started in this state folder. */
export function embeddedTemporal(state: StateFolder): TemporalEndpoint {
  const address = `127.0.0.1:${embeddedPort(state, "temporal")}`;
  return {
    address,
    namespace: defaultNamespace,
    ui: `http://127.0.0.1:${embeddedPort(state, "temporalUi")}`,
    embedded: true,
    connection: { address },
  };
}
