/** What a campaign needs under it: services, and the lab with its calibration. */
import { cpus, loadavg } from "node:os";
import { generators } from "../generators/generators.ts";
import { calibrateOnce } from "../lab/calibration.ts";
import { labCalibrationGround, labStatus, labUp } from "../lab/lab.ts";
import { checkMachine } from "../lab/machine.ts";
import { frameSizesOf } from "../model/campaign.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { UsageError } from "../model/usage-error.ts";
import { openHosts } from "../remote/hosts.ts";
import { up } from "../services/services-up.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { setWanted } from "../services/wanted.ts";
import type { Store } from "../store/store.ts";
import { failedLines } from "./doctor.ts";
import { externalChecks } from "./doctor-servers.ts";
import { testbedChecks } from "./doctor-testbed.ts";
import type { RunFiles } from "./run-files.ts";

export type Log = (line: string) => void;

/**
 * Starts the services, on a machine that can hold what the testbed needs. A lab that is down is started beside them, for nobody can be measuring on it;
 * one that is up is left for `labReady`, when it is known that it is not another campaign's.
 */
export async function bringServicesUp(
  state: StateFolder,
  files: RunFiles,
  log: Log,
): Promise<void> {
  const { testbed, testbedPath } = files;
  await refuseUnfitServers(state);
  if (testbed.kind === "physical") await reachable(state, testbedPath);
  if (testbed.kind === "lab") checkMachine(state, testbed);
  const lab = testbed.kind === "lab" && labStatus(state).status === "down" ? testbed : null;
  const started = await Promise.allSettled([
    up(state, { log }),
    lab === null ? null : raiseLab(state, lab, testbedPath, log),
  ]);
  for (const one of started) if (one.status === "rejected") throw one.reason;
}

/**
 * Real servers that the environment names must be as Longhaul needs them before a worker starts, which
 * would only wait for it. Asked when the services do not run yet. @throws with each fault and what mends it
 */
export async function refuseUnfitServers(state: StateFolder): Promise<void> {
  if (servicesStatus(state).ready) return;
  const failed = failedLines(await externalChecks(state));
  if (failed.length === 0) return;
  throw new Error(
    `the servers that the environment names are not as Longhaul needs them:\n${failed.join("\n")}`,
  );
}

/** Brings the lab up, unless it is, and calibrates the generator once for each start of the lab: at the frame sizes of its file, and at those of the campaign. */
export async function labReady(
  state: StateFolder,
  { testbed, testbedPath, campaign }: Pick<RunFiles, "testbed" | "testbedPath"> & Partial<RunFiles>,
  store: Pick<Store, "calibrations" | "putCalibration">,
  options: { readonly log: Log; readonly calibrate: boolean },
): Promise<void> {
  if (testbed.kind !== "lab") return;
  await raiseLab(state, testbed, testbedPath, options.log);
  const lab = labCalibrationGround(state);
  if (lab === null) throw new Error(`${testbedPath}: the lab went down while it was brought up`);
  const since = labStatus(state).startedAt;
  if (!options.calibrate || since === null) return;
  const hosts = openHosts(lab);
  try {
    const known = generators(lab, hosts);
    const generator = known[lab.generator];
    if (generator === undefined)
      throw new UsageError(
        `${testbedPath}: generator ${JSON.stringify(lab.generator)} is unknown; known ones: ${Object.keys(known).join(", ")}`,
      );
    await calibrateOnce({ testbed: lab, hosts, generator }, store, {
      frameSizesBytes: [
        ...new Set([...testbed.calibratedFrameSizesBytes, ...frameSizesOf(campaign ?? null)]),
      ],
      log: options.log,
      since,
      again: false,
    }).catch((cause: unknown) => {
      throw new Error(
        `the lab is up, but its load generator could not be calibrated (load of this machine: ${(loadavg()[0] ?? 0).toFixed(1)} on ${cpus().length} cores). ` +
          "Let the machine come to rest and give the command again; what is up stays up until `longhaul down`",
        { cause },
      );
    });
  } finally {
    await hosts.close();
  }
}

/** Wanted from here on: `up` restores it after a crash or a reboot. */
async function raiseLab(state: StateFolder, lab: LabFile, path: string, log: Log) {
  const testbed = await labUp(state, lab, { log });
  setWanted(state, { lab: path, calibration: true });
  return testbed;
}

async function reachable(state: StateFolder, file: string): Promise<void> {
  const failed = failedLines(await testbedChecks(state, file));
  if (failed.length === 0) return;
  throw new Error(`${file}: not every host of the testbed can be reached\n${failed.join("\n")}`);
}
