import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { labStatus, labUp } from "../lab/lab.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import { endpoints } from "../services/endpoints.ts";
import { up } from "../services/services-up.ts";
import type { ServicesStatus } from "../services/services-status.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { wanted } from "../services/wanted.ts";
import { labReady, refuseUnfitServers } from "./bring-up.ts";
import { isOpen } from "./campaign-json.ts";
import { interruptible } from "./interrupt.ts";
import { whatWas } from "./mended.ts";
import { say } from "./say.ts";
import { storeExists, withStore } from "./store-access.ts";
import { tunnelLine } from "./tunnel.ts";
import { inTurn } from "./turn.ts";

type Log = (line: string) => void;

/** Brings the wanted lab back, as its testbed file is now; a lab that is whole is left as it is. Null: it was whole. */
async function restoreLab(state: StateFolder, file: string, log: Log): Promise<LabFile | null> {
  const testbed = parseTestbed(readFileSync(file, "utf8"), file);
  if (testbed.kind !== "lab") return null;
  const before = labStatus(state).startedAt;
  if (labStatus(state).status !== "up") log(`restoring the lab of ${file} …`);
  await labUp(state, testbed, { log });
  return labStatus(state).startedAt === before ? null : testbed;
}

/**
 * The calibration of a lab that was brought up anew. A campaign on its way keeps the one that it was
 * planned with, and its lab is its own; else the generator is calibrated now.
 */
async function restoreCalibration(
  state: StateFolder,
  lab: { readonly testbed: LabFile; readonly testbedPath: string },
  log: Log,
): Promise<void> {
  await withStore(state, async (store) => {
    const going = (await store.allStatus()).filter(
      (status) => isOpen(status) && status.state !== "planned",
    );
    if (going.length === 0) return await labReady(state, lab, store, { log, calibrate: true });
    log(
      `not calibrated anew: ${going.map(({ campaign }) => campaign).join(", ")} goes on with the calibration of its plan`,
    );
  });
}

/**
 * Services, and the lab if it was up before a crash or a reboot.
 * @throws when the lab cannot be restored, after the services are up: results stay within reach.
 */
export const upWithLab = (state: StateFolder, log: Log): Promise<ServicesStatus> =>
  inTurn(state, log, () => restoreWanted(state, log));

async function restoreWanted(state: StateFolder, log: Log): Promise<ServicesStatus> {
  const { lab, calibration } = wanted(state);
  await refuseUnfitServers(state);
  const since = whatWas(state);
  // The lab first: a worker that starts beside it finds its hosts, and campaigns go on at once.
  const [restored] = await Promise.allSettled([
    lab === null ? undefined : restoreLab(state, lab, log),
  ]);
  const status = await up(state, { log });
  for (const line of await since.mended()) log(line);
  if (restored.status === "rejected")
    throw new Error(`the services are up, but the lab of ${lab} could not be restored`, {
      cause: restored.reason,
    });
  if (lab !== null && restored.value && calibration && storeExists(state))
    await restoreCalibration(state, { testbed: restored.value, testbedPath: lab }, log);
  return status;
}

export function upCommand(program: Command): void {
  program
    .command("up")
    .description("start Temporal, PostgreSQL and a worker in the background, restore a wanted lab")
    .action(async (options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const log: Log = say;
      const status = await interruptible(
        "what was started goes on; `longhaul status` shows it, `longhaul up` goes on from here, `longhaul down` ends it",
        () => upWithLab(state, log),
      );
      if (options.json) {
        console.log(JSON.stringify(status));
        return;
      }
      log(`Temporal    ${status.temporal.address ?? "external"}`);
      log(`PostgreSQL  ${status.postgres.address ?? "external"}`);
      log(`worker      pid ${status.worker.pid}`);
      const { ui } = endpoints(state).temporal;
      if (ui !== null) {
        log(`Temporal UI ${ui}`);
        const tunnel = status.temporal.ui === null ? null : tunnelLine(ui, process.env);
        if (tunnel !== null) log(tunnel);
      }
      log("end them with: longhaul down");
    });
}
