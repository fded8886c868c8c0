import type { Command } from "commander";
import { labDown } from "../lab/lab.ts";
import { down } from "../services/services-down.ts";
import { servicesStatus } from "../services/services-status.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import { setWanted, wanted } from "../services/wanted.ts";
import { isOpen } from "./campaign-json.ts";
import { interruptible } from "./interrupt.ts";
import { say } from "./say.ts";
import { storeExists, withStore } from "./store-access.ts";

export function downCommand(program: Command): void {
  program
    .command("down")
    .description("stop lab, worker, Temporal and PostgreSQL; the data stay")
    .action(async (options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const { open, ended } = await interruptible(
        "what has ended stays so, and `longhaul down` goes on from here",
        () => endAll(state),
      );
      if (options.json) console.log(JSON.stringify({ ended }));
      else for (const { what, pid, how } of ended) say(`${what} ${how} (pid ${pid})`);
      for (const campaign of open ?? [])
        say(`campaign ${campaign} is not at its end: \`longhaul up\` lets it go on`);
      say(`nothing of ${state.path} runs any more; data, logs and downloads are still there`);
    });
}

async function endAll(state: StateFolder) {
  const open = await openCampaigns(state);
  const ended = await down(state);
  // A lab that a campaign measures on comes back with the services, and the campaign goes on.
  if (open?.length === 0) setWanted(state, { lab: null, calibration: false });
  // After the worker, which would otherwise see its hosts die and begin to recover them.
  await labDown(state, say);
  return { open, ended };
}

/** Campaigns that have begun and will go on; null: the store cannot say. Nothing hinders a `down`. */
export async function openCampaigns(state: StateFolder): Promise<readonly string[] | null> {
  if (!storeExists(state)) return [];
  // Without services the store would have to be started: only for what hangs on its answer.
  const serves = servicesStatus(state).supervisor.state === "running";
  if (!serves && wanted(state).lab === null) return [];
  try {
    const all = await withStore(state, (store) => store.allStatus());
    return all
      .filter((status) => isOpen(status) && status.state !== "planned")
      .map(({ campaign }) => campaign);
  } catch (error) {
    say(
      `whether a campaign is to go on cannot be read, so \`longhaul up\` will bring the lab back: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
}
