import { servicesStatus } from "../services/services.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { storeExists, withStore } from "./store-access.ts";

/** A person may do as they like, and is told whose measurement it costs. The campaigns' ids. */
export async function nameDisturbed(state: StateFolder): Promise<readonly string[]> {
  if (servicesStatus(state).supervisor.state !== "running" || !storeExists(state)) return [];
  const campaigns = await withStore(state, (store) => store.allStatus());
  const disturbed = campaigns.filter((one) => one.state === "running").map((one) => one.campaign);
  for (const campaign of disturbed)
    process.stderr.write(`campaign ${campaign} is measuring, and this disturbs it\n`);
  return disturbed;
}
