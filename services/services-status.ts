/** Where the services stand: the record of the supervisor, checked against the processes. */
import { isAlive } from "./process-identity.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { readServices } from "./services-file.ts";
import type { ServiceName, ServiceRecord } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";
import { workerWord } from "./worker-ready.ts";

interface ServiceStatus {
  /** `dead`: on record as running, but gone, and no supervisor restarts it. */
  readonly state: ServiceRecord["state"] | "dead";
  readonly address: string | null;
  readonly pid: number | null;
  readonly since: string | null;
  readonly restarts: number;
  readonly lastEnd: string | null;
}

export interface ServicesStatus {
  /** All three are running, or stood for by real servers, under a living supervisor. */
  readonly ready: boolean;
  readonly supervisor: { readonly state: "running" | "stopped"; readonly pid: number | null };
  readonly temporal: ServiceStatus & { readonly ui: string | null };
  readonly postgres: ServiceStatus;
  readonly worker: ServiceStatus & {
    /** What the living worker waits for, in its words; null: for nothing. */
    readonly waitsFor: string | null;
    /** Of the Longhaul that it runs. */
    readonly version: string | null;
  };
}

/** What is true now: the record, checked against the processes. Touches nothing. */
export function servicesStatus(state: StateFolder): ServicesStatus {
  const file = readServices(state);
  const supervisor = living(file?.supervisor);
  const of = (name: ServiceName, port: number | undefined): ServiceStatus => {
    const record = file?.services[name];
    const local = port === undefined ? null : `127.0.0.1:${port}`;
    if (!file || !record)
      return {
        state: "stopped",
        address: null,
        pid: null,
        since: null,
        restarts: 0,
        lastEnd: null,
      };
    const process = living(record.process);
    const lost = record.process !== null && process === null && supervisor === null;
    // Ended a moment ago, and its supervisor has not said so yet.
    const ended = record.state === "running" && process === null;
    const unkept = process === null && supervisor === null && record.state !== "external";
    const { since, restarts, lastEnd } = record;
    return {
      state: lost ? "dead" : unkept ? "stopped" : ended ? "waiting" : record.state,
      address: record.state === "external" && name !== "worker" ? file.external[name] : local,
      pid: process?.pid ?? null,
      ...{ since, restarts, lastEnd },
    };
  };
  const ui = file?.ports.temporalUi;
  const temporal = of("temporal", file?.ports.temporal);
  const postgres = of("postgres", file?.ports.postgres);
  const word = workerWord(state);
  const worker = {
    ...of("worker", undefined),
    waitsFor: word?.waitsFor?.words ?? null,
    version: word?.version ?? null,
  };
  return {
    ready:
      supervisor !== null &&
      [temporal, postgres, worker].every(({ state: is }) => is === "running" || is === "external"),
    supervisor: { state: supervisor ? "running" : "stopped", pid: supervisor?.pid ?? null },
    temporal: {
      ...temporal,
      ui: ui === undefined || temporal.state === "external" ? null : `http://127.0.0.1:${ui}`,
    },
    postgres,
    worker,
  };
}

/** The process if it is still that one. */
export function living(identity: ProcessIdentity | null | undefined): ProcessIdentity | null {
  return identity && isAlive(identity) ? identity : null;
}
