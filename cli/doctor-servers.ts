import pg from "pg";
import { retentionDays, searchAttributes } from "../model/search-attributes.ts";
import { endpoints, externalDatabase, externalTemporal } from "../services/endpoints.ts";
import type { TemporalEndpoint } from "../services/endpoints.ts";
import { serviceNames } from "../services/services-file.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { namespaceFacts, withConnection } from "../services/temporal-namespace.ts";
import type { Check } from "./doctor.ts";

/** Health of the services, and of the servers in use: whether they are as Longhaul needs them. Reads only. */
export async function serverChecks(
  state: StateFolder,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Check[]> {
  const status = servicesStatus(state);
  const never = serviceNames.every((name) => status[name].state === "stopped");
  const services = never
    ? [{ name: "services", result: "ok", detail: "not started", mend: null } as const]
    : serviceNames.map((name) => serviceCheck(name, status[name]));
  const temporal = externalTemporal(env);
  const database = externalDatabase(env);
  return [
    ...services,
    ...(temporal !== null
      ? await temporalChecks(temporal, "a person with rights on it")
      : status.temporal.state === "running"
        ? await temporalChecks(endpoints(state, env).temporal, "longhaul down; longhaul up")
        : []),
    ...(database !== null
      ? await databaseChecks(database)
      : status.postgres.state === "running"
        ? await databaseChecks(endpoints(state, env).databaseUrl)
        : []),
  ];
}

function serviceCheck(
  name: string,
  { state, restarts, lastEnd }: { state: string; restarts: number; lastEnd: string | null },
): Check {
  const fine = state === "running" || state === "external";
  const result = !fine ? "fail" : restarts > 0 ? "warn" : "ok";
  const again = restarts > 0 ? `, started again ${restarts} times (last end: ${lastEnd})` : "";
  return {
    name,
    result,
    detail: `${state}${again}`,
    mend: result === "ok" ? null : fine ? `longhaul logs ${name}` : "longhaul up",
  };
}

async function temporalChecks(temporal: TemporalEndpoint, who: string): Promise<Check[]> {
  const { address, namespace } = temporal;
  const flags = `--namespace ${namespace} --address ${address}`;
  try {
    const facts = await withConnection({ ...temporal.connection, address }, (connection) =>
      namespaceFacts(connection, namespace),
    );
    const answers: Check = {
      name: "Temporal server",
      result: "ok",
      detail: `${address} answers`,
      mend: null,
    };
    if (facts.retentionDays === null)
      return [
        answers,
        {
          name: "namespace",
          result: "fail",
          detail: `${address} has no namespace ${namespace}`,
          mend: `temporal operator namespace create ${flags} --retention ${retentionDays * 24}h (by ${who})`,
        },
      ];
    return [
      answers,
      { name: "namespace", result: "ok", detail: namespace, mend: null },
      retention(facts.retentionDays, flags),
      attributes(facts, flags),
    ];
  } catch (error) {
    return [
      {
        name: "Temporal server",
        result: "fail",
        detail: `${address}, namespace ${namespace}: ${error instanceof Error ? error.message : String(error)}`,
        mend: "look at TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS and API key, and whether the server runs",
      },
    ];
  }
}

const retention = (days: number, flags: string): Check => ({
  name: "retention",
  result: days >= retentionDays ? "ok" : "fail",
  detail: `closed workflows are kept for ${days} days, campaigns need ${retentionDays}`,
  mend:
    days >= retentionDays
      ? null
      : `temporal operator namespace update ${flags} --retention ${retentionDays * 24}h`,
});

function attributes(
  facts: { missingAttributes: readonly string[]; otherTypes: readonly string[] },
  flags: string,
): Check {
  const { missingAttributes: missing, otherTypes } = facts;
  if (missing.length === 0 && otherTypes.length === 0)
    return { name: "search attributes", result: "ok", detail: "all registered", mend: null };
  const wrong = [
    ...(missing.length > 0 ? [`missing: ${missing.join(", ")}`] : []),
    ...(otherTypes.length > 0 ? [`of another type: ${otherTypes.join(", ")}`] : []),
  ];
  const create = Object.entries(searchAttributes)
    .filter(([name]) => missing.includes(name))
    .map(([name, type]) => `--name ${name} --type ${type}`)
    .join(" ");
  return {
    name: "search attributes",
    result: "fail",
    detail: wrong.join("; "),
    mend:
      missing.length > 0
        ? `temporal operator search-attribute create ${flags} ${create}`
        : "another namespace (TEMPORAL_NAMESPACE): types cannot be changed",
  };
}

async function databaseChecks(url: string): Promise<Check[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  // A server that goes away between two lines must not end this process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string; version: string; creates: boolean }>(
      `SELECT current_database() AS name, current_setting('server_version') AS version,
              has_schema_privilege(current_schema(), 'CREATE') AS creates`,
    );
    const [row] = rows;
    if (row === undefined) throw new Error("no answer to a query");
    return [
      {
        name: "PostgreSQL",
        result: "ok",
        detail: `${row.version}, database ${row.name}`,
        mend: null,
      },
      {
        name: "rights",
        result: row.creates ? "ok" : "fail",
        detail: row.creates ? "may create tables" : "may not create tables in its schema",
        mend: row.creates ? null : `GRANT CREATE ON SCHEMA public TO the user of DATABASE_URL`,
      },
    ];
  } catch (error) {
    return [
      {
        name: "PostgreSQL",
        result: "fail",
        detail: error instanceof Error ? error.message || String(error) : String(error),
        mend: "look at DATABASE_URL or PG*, and whether the server runs",
      },
    ];
  } finally {
    await client.end();
  }
}
