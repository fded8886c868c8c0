import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { type CampaignStatus, StoreUnavailable } from "../store/store.ts";
import { storeExists, withStore } from "./store-access.ts";

/** A person may do as they like, and is told whose measurement it costs. The campaigns' ids. */
export async function nameDisturbed(state: StateFolder): Promise<readonly string[]> {
  if (servicesStatus(state).supervisor.state !== "running" || !storeExists(state)) return [];
  const campaigns = await campaignsOf(state);
  const disturbed = campaigns.filter((one) => one.state === "running").map((one) => one.campaign);
  for (const campaign of disturbed)
    process.stderr.write(
      `campaign ${campaign} is measuring, and this disturbs it; it goes on when the lab is there\n`,
    );
  return disturbed;
}

/** `lab down` and `lab power` need no store: one that is away is said and no hindrance. */
async function campaignsOf(state: StateFolder): Promise<readonly CampaignStatus[]> {
  try {
    return await withStore(state, (store) => store.allStatus());
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    process.stderr.write(`whether a campaign is measuring cannot be read: ${error.message}\n`);
    return [];
  }
}
