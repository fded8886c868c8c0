import { join, resolve } from "node:path";
import type { Command } from "commander";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import type { Store } from "../store/store.ts";
import { withStore } from "./store-access.ts";

export function reportCommand(program: Command): void {
  program
    .command("report")
    .description("HTML, SVG figures, CSV and JSON, from stored rows only")
    .argument("<id>", "campaign")
    .option("--out <dir>", "folder to write (default: reports/<id> in the state folder)")
    .action(async (id: string, options: { state?: string; json?: boolean; out?: string }) => {
      const state = stateFolder(options.state);
      const page = await withStore(state, (store) =>
        reportCampaign(store, id, options.out ?? reportFolder(state, id)),
      );
      console.log(options.json === true ? JSON.stringify({ campaign: id, page }) : page);
    });
}

/** Where a campaign's report goes unless `--out` says otherwise. */
export const reportFolder = (state: StateFolder, id: string): string => join(state.reports, id);

/** @returns the path of the page. @throws {UsageError} the campaign is unknown. */
export async function reportCampaign(store: Store, id: string, folder: string): Promise<string> {
  // Drawing needs half a second of imports that no other command should pay.
  const [{ readRecord }, { writeReport }] = await Promise.all([
    import("../report/record.ts"),
    import("../report/report.ts"),
  ]);
  return await writeReport(await readRecord(store, id), resolve(folder), new Date().toISOString());
}
