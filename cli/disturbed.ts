import type { MadeFault } from "../model/fault.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import type { Store } from "../store/store.ts";
import { say } from "./say.ts";
import { storeExists, withStore } from "./store-access.ts";

/** A person may do as they like, and is told whose measurement it costs. The campaigns' ids. */
export async function nameDisturbed(state: StateFolder): Promise<readonly string[]> {
  const campaigns =
    (await unlessUnreadable(state, "whether a campaign is measuring cannot be read", (store) =>
      store.allStatus(),
    )) ?? [];
  const disturbed = campaigns.filter((one) => one.state === "running").map((one) => one.campaign);
  for (const campaign of disturbed)
    process.stderr.write(
      `campaign ${campaign} is measuring, and this disturbs it; it goes on when the lab is there\n`,
    );
  return disturbed;
}

/**
 * What people do to a lab needs no store: one that is away, newer than this program or wrongly named
 * by the environment is said and no hindrance. Null: nothing could be asked.
 */
async function unlessUnreadable<T>(
  state: StateFolder,
  what: string,
  use: (store: Store) => Promise<T>,
): Promise<T | null> {
  try {
    if (servicesStatus(state).supervisor.state !== "running" || !storeExists(state)) return null;
    return await withStore(state, use);
  } catch (error) {
    say(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
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

/** Of a person's act. */
export async function recordDisturbance(
  state: StateFolder,
  disturbance: Disturbance,
): Promise<void> {
  await unlessUnreadable(state, "no campaign's record tells of this", (store) =>
    noteDisturbance(store, disturbance),
  );
}
