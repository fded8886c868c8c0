/** Puts a planned campaign on its way: the testbed taken or waited for, made ready, the workflow started. */
import { isDeepStrictEqual } from "node:util";
import type { Plan } from "../model/plan.ts";
import type { TestbedFile } from "../model/testbed-file.ts";
import { UsageError } from "../model/usage-error.ts";
import type { StateFolder } from "../services/state-folder.ts";
import type { CampaignStatus, Store } from "../store/store.ts";
import { labReady, type Log } from "./bring-up.ts";
import { busy, holderOf, letTestbedGo, startCampaign, takeTestbed } from "./launch.ts";
import type { RunFiles } from "./run-files.ts";
import { withClient } from "./temporal-client.ts";

interface Departure {
  readonly files: RunFiles;
  readonly id: string;
  /** It does not run yet: its testbed is let go again if it cannot start. */
  readonly isNew: boolean;
  /** Wait in turn where the testbed is busy. */
  readonly queue: boolean;
  /** Writes the plan, when the testbed is the campaign's own or its turn is waited for. */
  readonly plan: () => Promise<Plan>;
  readonly log: Log;
}

/** @throws naming the holder of a busy testbed, unless it may be waited for. */
export async function depart(
  state: StateFolder,
  store: Store,
  { files, id, isNew, queue, plan, log }: Departure,
): Promise<Plan> {
  const { testbed } = files;
  const holder = await holderOf(store, files, id);
  if (holder !== null) {
    if (!queue) throw busy(testbed.name, holder.campaign);
    await refuseOtherTestbed(store, testbed, holder);
  } else await store.putTestbed({ name: testbed.name, kind: testbed.kind, content: testbed });
  return await withClient(state, async (client) => {
    const heldBy = await takeTestbed(client, store, testbed.name, id);
    if (heldBy !== null && !queue) throw busy(testbed.name, heldBy);
    try {
      // Nothing is touched that another campaign measures on; one that runs is not calibrated under.
      if (heldBy === null) await labReady(state, files, store, { log, calibrate: isNew });
      const written = await plan();
      await startCampaign(client, files, id, written, queue);
      if (heldBy !== null)
        log(`${id} waits for the testbed ${testbed.name}, which ${heldBy} holds`);
      return written;
    } catch (error) {
      if (isNew && heldBy === null) await letTestbedGo(client, testbed.name, id);
      throw error;
    }
  });
}

/** Who waits measures on the testbed as its holder does: another file would change it under that one. */
async function refuseOtherTestbed(
  store: Pick<Store, "testbed">,
  testbed: TestbedFile,
  holder: CampaignStatus,
): Promise<void> {
  if (holder.testbed !== testbed.name)
    throw new UsageError(
      `testbed ${testbed.name} is the lab on which ${holder.campaign} measures as testbed ${holder.testbed}; a queue is for one testbed: give the file of ${holder.testbed}`,
    );
  const stored = await store.testbed(testbed.name);
  if (!isDeepStrictEqual(stored?.content, JSON.parse(JSON.stringify(testbed))))
    throw new UsageError(
      `testbed ${testbed.name} is described otherwise than when ${holder.campaign} began, which measures on it; wait for its end, or use the same file`,
    );
}
