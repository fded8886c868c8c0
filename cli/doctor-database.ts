/** Whether a PostgreSQL is as the store needs it: reachable, the database there, tables may be made, none of a newer version. */
import pg from "pg";
import { shellWord } from "../remote/shell-word.ts";
import { appliedSql, missingMigrations, schemaFiles } from "../store/migrations.ts";
import type { Applied } from "../store/migrations.ts";
import type { Check } from "./doctor.ts";

/** The name of the check that says whether the server answers. */
export const postgres = "PostgreSQL";

interface Facts {
  readonly name: string;
  readonly version: string;
  readonly role: string;
  /** Null: no schema of the search path can be used. */
  readonly schema: string | null;
  readonly creates: boolean | null;
  /** Who owns the tables of a store that is there already; null: there is none. */
  readonly owner: string | null;
  readonly owns: boolean | null;
}

const factsQuery = `
  SELECT current_database() AS name, current_setting('server_version') AS version, current_user AS role,
         current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS creates,
         owner.rolname AS owner, pg_has_role(owner.oid, 'USAGE') AS owns
  FROM (SELECT to_regclass('schema_migration') AS store) AS found
  LEFT JOIN pg_class ON pg_class.oid = store
  LEFT JOIN pg_roles AS owner ON owner.oid = relowner`;

/** Reads only. Each failing line comes with the command that mends it. */
export async function databaseChecks(url: string): Promise<Check[]> {
  let client: pg.Client;
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  } catch (error) {
    const detail = `DATABASE_URL is no URL of a database: ${(error as Error).message}`;
    const mend = "export DATABASE_URL=postgresql://ROLE:PASSWORD@HOST:5432/DATABASE";
    return [{ name: postgres, result: "fail", detail, mend }];
  }
  // A server that goes away between two lines must not end this process.
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<Facts>(factsQuery);
    const [facts] = rows;
    if (facts === undefined) throw new Error("no answer to a query");
    const detail = `${facts.version}, database ${facts.name}`;
    return [
      { name: postgres, result: "ok", detail, mend: null },
      rights(client, facts),
      ...(facts.owns === true ? [await schemaVersion(client)] : []),
    ];
  } catch (error) {
    return [unreachable(client, error)];
  } finally {
    await client.end();
  }
}

/** SQL for a superuser, who is `postgres` unless that server was set up otherwise. */
function asSuperuser(client: pg.Client, sql: string, database = "postgres"): string {
  const { host, port } = client;
  return `psql -h ${shellWord(host)} -p ${port} -U postgres -d ${shellWord(database)} -c ${shellWord(sql)}`;
}

const identifier = (name: string): string => pg.escapeIdentifier(name);

function rights(client: pg.Client, facts: Facts): Check {
  const { name, role, schema, owner } = facts;
  const fail = (detail: string, sql: string): Check => ({
    name: "rights",
    result: "fail",
    detail,
    mend: asSuperuser(client, sql, name),
  });
  if (facts.owns === false)
    return fail(
      `the store's tables in ${schema} belong to ${owner}, not to ${role}`,
      `GRANT ${identifier(owner ?? "")} TO ${identifier(role)}`,
    );
  if (facts.creates !== true)
    return fail(
      schema === null
        ? `${role} may use no schema of database ${name}`
        : `${role} may not create tables in schema ${schema} of database ${name}`,
      `GRANT USAGE, CREATE ON SCHEMA ${identifier(schema ?? "public")} TO ${identifier(role)}`,
    );
  return {
    name: "rights",
    result: "ok",
    detail: `${role} may create tables in schema ${schema}`,
    mend: null,
  };
}

async function schemaVersion(client: pg.Client): Promise<Check> {
  const { rows } = await client.query<Applied>(appliedSql);
  try {
    const files = await schemaFiles();
    const missing = missingMigrations(files, rows);
    const newest = rows.at(-1)?.name ?? "none yet";
    const own = files.some(({ name }) => name === newest);
    const detail =
      missing.length === 0
        ? `${newest}, ${own ? "as this program's" : "added by a newer Longhaul, beside which this one goes on"}`
        : `${missing.map(({ name }) => name).join(", ")} will be applied at the next use`;
    return { name: "store schema", result: "ok", detail, mend: null };
  } catch (error) {
    return {
      name: "store schema",
      result: "fail",
      detail: (error as Error).message,
      mend: "check out the version of Longhaul that wrote this store, or name another database",
    };
  }
}

/** By SQLSTATE: PostgreSQL manual, appendix A. */
function unreachable(client: pg.Client, error: unknown): Check {
  const role = client.user ?? "";
  const database = client.database ?? role;
  const { code, message } = told(error);
  const mends: Readonly<Record<string, string>> = {
    "3D000": asSuperuser(
      client,
      `CREATE DATABASE ${identifier(database)} OWNER ${identifier(role)}`,
    ),
    // The server answers the same to a wrong password and to a role that does not exist.
    "28P01": [
      "the right password in DATABASE_URL or PGPASSWORD",
      `or another one: ${asSuperuser(client, `\\password ${identifier(role)}`)}`,
      `or, where there is no such role: createuser -h ${shellWord(client.host)} -p ${client.port} -U postgres --pwprompt ${shellWord(role)}`,
    ].join("\n"),
    "28000": asSuperuser(client, `ALTER ROLE ${identifier(role)} LOGIN`),
    "42501": asSuperuser(
      client,
      `GRANT CONNECT ON DATABASE ${identifier(database)} TO ${identifier(role)}`,
    ),
  };
  const noPassword = message.includes("client password must be a string");
  return {
    name: postgres,
    result: "fail",
    detail: `${client.host}:${client.port}, database ${database}, role ${role}: ${
      noPassword ? "the server asks for a password, and none was given" : message
    }`,
    mend: noPassword
      ? "export PGPASSWORD=…, or put the password into DATABASE_URL"
      : (mends[code] ?? "look at DATABASE_URL or PG*, and whether the server runs"),
  };
}

function told(error: unknown): { code: string; message: string } {
  // Both addresses of a host that refuses come as one AggregateError without a message.
  if (error instanceof AggregateError && error.message === "")
    return { code: "", message: error.errors.map((one) => told(one).message).join("; ") };
  const code = (error as { code?: unknown }).code;
  return {
    code: typeof code === "string" ? code : "",
    message: error instanceof Error ? error.message : String(error),
  };
}
