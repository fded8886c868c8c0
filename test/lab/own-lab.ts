/** A lab of a test's own: its own state folder, the shared cache. */
import { join } from "node:path";
import { labUp, type LabState } from "../../lab/lab.ts";
import type { LabFile } from "../../model/testbed-file.ts";
import { stateFolder } from "../../services/state-folder.ts";

const repository = join(import.meta.dirname, "../..");

export const testState = (name: string): LabState =>
  stateFolder(join(repository, ".longhaul/test", name), {
    LONGHAUL_CACHE: process.env.LONGHAUL_CACHE ?? join(repository, ".longhaul/cache"),
  });

export const labFile: LabFile = {
  kind: "lab",
  name: "test-lab",
  lineRateMbpsL1: 1000,
  migrationRateMbpsL1: 1000,
  platforms: ["bare", "kvm-virtio", "kvm-e1000"],
  generator: "tcpreplay",
  guestImage: "router",
  accelerator: "prove",
  calibratedFrameSizesBytes: [64],
};

/** Without guests: no image, no accelerator. */
export const bareFile: LabFile = { ...labFile, platforms: ["bare"] };

export const upLab = (state: LabState, file: LabFile = labFile) =>
  labUp(state, file, { log: () => undefined });
