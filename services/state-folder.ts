import { createHash } from "node:crypto";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** Where everything of one installation lies: data of the embedded services, logs, the lab, process ids. */
export interface StateFolder {
  readonly path: string;
  /** Six hex digits of the real path's SHA-256: part of every name that the machine shares. */
  readonly id: string;
  /** Downloads, which may be thrown away; shared between state folders by `LONGHAUL_CACHE`. */
  readonly cache: string;
  readonly lab: string;
  readonly logs: string;
  readonly reports: string;
  /** Data of the embedded Temporal server and PostgreSQL. */
  readonly temporal: string;
  readonly postgres: string;
}

/** The real path of something that may not exist yet. */
const realPath = (path: string): string =>
  existsSync(path) ? realpathSync(path) : join(realPath(dirname(path)), basename(path));

/** The state folder at `dir`, else at `LONGHAUL_STATE`, else `.longhaul` in the working directory; made if it is missing. */
export function stateFolder(dir?: string, env: NodeJS.ProcessEnv = process.env): StateFolder {
  const folder = stateFolderAsItIs(dir, env);
  for (const needed of [folder.path, folder.cache, folder.logs])
    mkdirSync(needed, { recursive: true });
  return folder;
}

/** The same, whether it is there or not, for who touches nothing. */
export function stateFolderAsItIs(dir?: string, env: NodeJS.ProcessEnv = process.env): StateFolder {
  const path = realPath(resolve(dir ?? env.LONGHAUL_STATE ?? ".longhaul"));
  return {
    path,
    id: createHash("sha256").update(path).digest("hex").slice(0, 6),
    cache: env.LONGHAUL_CACHE ? resolve(env.LONGHAUL_CACHE) : join(path, "cache"),
    lab: join(path, "lab"),
    logs: join(path, "logs"),
    reports: join(path, "reports"),
    temporal: join(path, "temporal"),
    postgres: join(path, "postgres"),
  };
}
