import { join } from "node:path";
import { readJson, writeJson } from "./json-file.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import type { StateFolder } from "./state-folder.ts";

export const serviceNames = ["temporal", "postgres", "worker"] as const;
export type ServiceName = (typeof serviceNames)[number];

/**
 * `hung`: it runs, answers no more, and is being ended. `waiting`: it ended and is started again after a
 * pause. `external`: a real server in its stead.
 */
export type ServiceState = "stopped" | "starting" | "running" | "hung" | "waiting" | "external";

export interface ServiceRecord {
  readonly state: ServiceState;
  readonly process: ProcessIdentity | null;
  /** When this state was entered. */
  readonly since: string;
  /** Starts after the first one under this supervisor. */
  readonly restarts: number;
  /** How it ended last, or why it could not be started. */
  readonly lastEnd: string | null;
}

export interface Ports {
  readonly temporal: number;
  readonly temporalUi: number;
  readonly temporalMetrics: number;
  readonly postgres: number;
}

/** `services.json`: written by the supervisor alone, whole, after every change. Ports outlive `down`. */
export interface ServicesFile {
  readonly supervisor: ProcessIdentity | null;
  readonly ports: Partial<Ports>;
  /** Addresses of the real servers in use, without secrets; null: embedded. */
  readonly external: { readonly temporal: string | null; readonly postgres: string | null };
  readonly services: Readonly<Record<ServiceName, ServiceRecord>>;
}

const fileOf = (state: StateFolder): string => join(state.path, "services.json");

/** Null: the services of this state folder were never started. */
export const readServices = (state: StateFolder): ServicesFile | null =>
  readJson(fileOf(state)) as ServicesFile | null;

export const writeServices = (state: StateFolder, file: ServicesFile): void =>
  writeJson(fileOf(state), file);
