import type { MadeFault } from "../model/fault.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { type CampaignStatus, type Store, StoreUnavailable } from "../store/store.ts";
import { say } from "./say.ts";
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
    say(`whether a campaign is measuring cannot be read: ${error.message}`);
    return [];
  }
}

/** What somebody outside a campaign did to its testbed. */
export type Disturbance = Pick<MadeFault, "id" | "host" | "detail" | "at" | "untilAt"> & {
  readonly fault: string;
};

/** Writes it into the record of every campaign that holds the lab, with the trial under way. Idempotent. */
export async function noteDisturbance(
  store: Pick<Store, "allStatus" | "putEvent">,
  { id, fault, host, detail, at, untilAt }: Disturbance,
): Promise<void> {
  for (const { campaign, testbed, state, current } of await store.allStatus()) {
    if (state !== "running" && state !== "paused" && state !== "waiting") continue;
    await store.putEvent({
      key: `${campaign} disturbed by ${id}`,
      ...{ testbed, campaign, host, at },
      trial: current?.trial ?? null,
      attempt: current?.attempt ?? null,
      kind: "disturbance",
      content: { fault, detail, untilAt },
    });
  }
}

/** Of a person's act. A store that is away is said and no hindrance. */
export async function recordDisturbance(
  state: StateFolder,
  disturbance: Disturbance,
): Promise<void> {
  if (servicesStatus(state).supervisor.state !== "running" || !storeExists(state)) return;
  try {
    await withStore(state, (store) => noteDisturbance(store, disturbance));
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    say(`no campaign's record tells of this: ${error.message}`);
  }
}
