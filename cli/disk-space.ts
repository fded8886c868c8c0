/** Whether a plan's series and the services fit on the disk of the state folder. */
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Plan } from "../model/plan.ts";
import { externalDatabase } from "../services/endpoints.ts";
import { sizeText } from "../report/number-text.ts";

/** What both embedded databases keep beside results: an empty cluster, its write-ahead log, workflow histories. */
const servicesBytes = 256 * 2 ** 20;

/** Free bytes at a path, or where it would be made. */
export function freeBytesAt(path: string): number {
  const { bavail, bsize } = statfsSync(present(path));
  return bavail * bsize;
}

const present = (path: string): string => (existsSync(path) ? path : present(dirname(path)));

/** What a campaign may need on the disk of the state folder, at most. Results of a real PostgreSQL lie elsewhere. */
const neededBytes = (
  { estimate }: Pick<Plan, "estimate">,
  env: NodeJS.ProcessEnv = process.env,
): number => servicesBytes + (externalDatabase(env) === null ? estimate.bytes : 0);

export interface DiskView {
  /** The state folder. */
  readonly path: string;
  readonly freeBytes: number;
  readonly neededBytes: number;
}

export const diskView = (path: string, plan: Pick<Plan, "estimate">): DiskView => ({
  path,
  freeBytes: freeBytesAt(path),
  neededBytes: neededBytes(plan),
});

export const diskText = ({ path, freeBytes, neededBytes }: DiskView): string =>
  freeBytes >= neededBytes
    ? `  ${sizeText(freeBytes)} are free at ${path}`
    : `  ${sizeText(freeBytes)} are free at ${path}: \`run\` will refuse; with the databases it may need ${sizeText(neededBytes)}`;

/** @throws when a campaign could fill the disk: a database that cannot write stops everything. */
export function refuseFullDisk(
  path: string,
  plan: Pick<Plan, "estimate">,
  env: NodeJS.ProcessEnv = process.env,
): void {
  const [free, needed] = [freeBytesAt(path), neededBytes(plan, env)];
  if (free >= needed) return;
  throw new Error(
    `state folder ${path}: ${sizeText(free)} free on its disk, and this campaign may need ${sizeText(needed)} ` +
      `(results at most ${sizeText(needed - servicesBytes)}, databases ${sizeText(servicesBytes)}); ` +
      "free some, or give a folder on another disk by --state",
  );
}
