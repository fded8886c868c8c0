/** Health of the services, and of the servers in use. */
import { UsageError } from "../model/usage-error.ts";
import {
  embeddedDatabaseUrl,
  embeddedTemporal,
  externalDatabase,
  externalTemporal,
} from "../services/endpoints.ts";
import { serviceNames } from "../services/services-file.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { temporalAtHand } from "../services/temporal.ts";
import { databaseChecks, postgres } from "./doctor-database.ts";
import { temporalChecks, temporalServer } from "./doctor-temporal.ts";
import type { Check } from "./doctor.ts";

/** The services, and whether the servers in use are as Longhaul needs them. Reads only. */
export async function serverChecks(
  state: StateFolder,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Check[]> {
  const status = servicesStatus(state);
  const never = serviceNames.every((name) => status[name].state === "stopped");
  const services = never
    ? [{ name: "services", result: "ok", detail: "not started", mend: null } as const]
    : serviceNames.map((name) => serviceCheck(name, status[name]));
  const named = await externalChecks(state, env);
  const isNamed = (name: string) => named.some((check) => check.name === name);
  return [
    ...services,
    ...named,
    ...(status.temporal.state === "running" && !isNamed(temporalServer)
      ? await temporalChecks(embeddedTemporal(state), operator(state, env))
      : []),
    ...(status.postgres.state === "running" && !isNamed(postgres)
      ? await databaseChecks(embeddedDatabaseUrl(state))
      : []),
  ];
}

/** Real servers, as they are before anything relies on them. Empty: the environment names none. */
export async function externalChecks(
  state: StateFolder,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Check[]> {
  const database = externalDatabase(env);
  return [
    ...(await externalTemporalChecks(state, env)),
    ...(database === null ? [] : await databaseChecks(database)),
  ];
}

async function externalTemporalChecks(
  state: StateFolder,
  env: NodeJS.ProcessEnv,
): Promise<Check[]> {
  try {
    const temporal = externalTemporal(env);
    return temporal === null ? [] : await temporalChecks(temporal, operator(state, env));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const mend = "mend these settings, or unset them to use the embedded server";
    return [{ name: temporalServer, result: "fail", detail: error.message, mend }];
  }
}

const operator = (state: StateFolder, env: NodeJS.ProcessEnv): string =>
  temporalAtHand(state.cache, env) ?? "temporal";

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
