import { readdirSync } from "node:fs";
import type { Command } from "commander";
import { execa } from "execa";
import { stateFolder } from "../services/state-folder.ts";
import { temporalBinary } from "../services/temporal.ts";
import { externalTemporal } from "../services/endpoints.ts";
import { isInstalled, missingPackages } from "./packages.ts";

type Log = (line: string) => void;

/** apt asks nobody, starts nothing by itself, and reports on standard error. */
const apt = async (...args: string[]): Promise<void> => {
  await execa("apt-get", ["-q", ...args], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "ignore",
    stdout: process.stderr,
    stderr: ["inherit", "pipe"],
  });
};

const hasPackageLists = (): boolean =>
  readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));

/** @throws {Error} what is missing cannot be installed here; the message says what would. */
async function installPackages(log: Log): Promise<void> {
  const missing = missingPackages();
  if (missing.length === 0) return;
  const install = ["install", "--yes", "--no-install-recommends", ...missing];
  if (!isInstalled("apt-get"))
    throw new Error(`this is no Debian: install by hand what provides ${missing.join(", ")}`);
  if (process.getuid?.() !== 0)
    throw new Error(`installing ${missing.join(", ")} needs root: run \`sudo longhaul setup\``);
  log(`installing Debian packages: ${missing.join(" ")}`);
  // Lists may also be older than the mirror, which then lacks what they name.
  await apt(...install).catch(async () => {
    await apt("update");
    await apt(...install);
  });
  const still = missingPackages();
  if (still.length > 0)
    throw new Error(`still missing after apt-get ${install.join(" ")}: ${still.join(", ")}`);
}

/**
 * Installs what the lab and the services miss on this machine. Idempotent; with nothing missing it
 * only looks. It starts no service and enables none.
 */
export async function setup(log: Log, stateDir?: string): Promise<void> {
  // The lab unpacks further packages without installing them, and needs lists for that.
  if (process.getuid?.() === 0 && isInstalled("apt-get") && !hasPackageLists()) {
    log("no package lists on this machine: apt-get update");
    await apt("update");
  }
  await installPackages(log);
  const state = stateFolder(stateDir);
  if (externalTemporal(process.env) === null) await temporalBinary(state.cache, log);
}

export function setupCommand(program: Command): void {
  program
    .command("setup")
    .description("install what doctor finds missing for the embedded lab and services")
    .action(async (options: { state?: string }) => {
      const log: Log = (line) => console.error(line);
      await setup(log, options.state);
      log("nothing is missing");
    });
}
