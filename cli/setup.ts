import { readdirSync } from "node:fs";
import type { Command } from "commander";
import { execa, ExecaError } from "execa";
import { isInstalled, missing } from "../lab/programs.ts";
import { stateFolder } from "../services/state-folder.ts";
import { temporalBinary } from "../services/temporal.ts";
import { externalTemporal } from "../services/endpoints.ts";
import { finishedFirst, interruptible } from "./interrupt.ts";
import { say } from "./say.ts";

type Log = (line: string) => void;

/**
 * apt asks nobody and reports on standard error. An interrupt waits for it, and its process group is its
 * own: cut in the middle, dpkg would leave a state that has to be mended by hand.
 */
const packageManager = (program: "apt-get" | "dpkg", ...args: string[]): Promise<unknown> =>
  finishedFirst(`\`${program} ${args[0]}\``, () =>
    execa(program, args, {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdin: "ignore",
      stdout: process.stderr,
      stderr: ["inherit", "pipe"],
      detached: true,
      cleanup: false,
    }),
  );
const apt = (what: string, ...args: string[]) => packageManager("apt-get", what, "-q", ...args);

const hasPackageLists = (): boolean =>
  readdirSync("/var/lib/apt/lists").some((name) => name.includes("_Packages"));

/** @throws {Error} what is missing cannot be installed here; the message says what would. */
async function installPackages(log: Log): Promise<void> {
  const { packages } = missing();
  if (packages.length === 0) return;
  if (!isInstalled("apt-get"))
    throw new Error(`this is no Debian: install by hand what provides ${packages.join(", ")}`);
  if (process.getuid?.() !== 0)
    throw new Error(`installing ${packages.join(", ")} needs root: run \`sudo longhaul setup\``);
  log(`installing Debian packages: ${packages.join(" ")}`);
  // An installation that was cut by a crash or a power failure; does nothing otherwise.
  await packageManager("dpkg", "--configure", "-a");
  const install = () => apt("install", "--yes", "--no-install-recommends", ...packages);
  // Lists may be older than the mirror, which then lacks what they name.
  await install()
    .catch(async () => {
      await updateLists();
      await install();
    })
    .catch((cause: unknown) => {
      throw unreachable(`Debian packages ${packages.join(" ")} cannot be installed`, cause);
    });
  const still = missing();
  if (still.packages.length > 0)
    throw new Error(
      `still missing after their packages were installed: ${still.packages.join(", ")}`,
    );
}

async function updateLists(): Promise<void> {
  await apt("update");
  // apt-get ends well even when no mirror has answered.
  if (!hasPackageLists()) throw new Error("`apt-get update` fetched no list of packages");
}

const unreachable = (what: string, cause: unknown) =>
  new Error(
    `${what}; apt's messages are above. Look whether this machine reaches the mirror that its sources name (/etc/apt/sources.list, /etc/apt/sources.list.d)`,
    { cause: cause instanceof ExecaError ? new Error(cause.shortMessage) : cause },
  );

/**
 * Installs what the lab and the services miss on this machine. Idempotent; with nothing missing it
 * only looks. It starts no service and enables none. An interrupt ends it, and this process, between
 * two of its steps.
 */
export async function setup(log: Log, stateDir?: string): Promise<void> {
  // The lab unpacks further packages without installing them, and needs lists for that.
  if (process.getuid?.() === 0 && isInstalled("apt-get") && !hasPackageLists()) {
    log("no package lists on this machine: apt-get update");
    await updateLists().catch((cause: unknown) => {
      throw unreachable("this machine has no lists of Debian packages", cause);
    });
  }
  await installPackages(log);
  const state = stateFolder(stateDir);
  if (externalTemporal(process.env) !== null) return;
  await interruptible("what was installed stays, and the next run goes on from here", () =>
    temporalBinary(state.cache, log),
  );
}

export function setupCommand(program: Command): void {
  program
    .command("setup")
    .description("install what doctor finds missing for the embedded lab and services")
    .action(async (options: { state?: string }) => {
      await setup(say, options.state);
      say("nothing is missing");
    });
}
