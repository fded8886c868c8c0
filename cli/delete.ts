import { rmSync } from "node:fs";
import type { Command } from "commander";
import { UsageError } from "../model/usage-error.ts";
import { unknownCampaign } from "../report/record.ts";
import { stateFolder } from "../services/state-folder.ts";
import type { Store } from "../store/store.ts";
import { isOpen } from "./campaign-json.ts";
import { ledgerText } from "./campaign-text.ts";
import { confirm } from "./confirm.ts";
import { reportFolder } from "./report.ts";
import { withStore } from "./store-access.ts";

export function deleteCommand(program: Command): void {
  program
    .command("delete")
    .description("remove a campaign's data and its report in the state folder; asks first")
    .argument("<id>", "campaign")
    .option("--yes", "do not ask")
    .action(async (id: string, options: { state?: string; json?: boolean; yes?: boolean }) => {
      const state = stateFolder(options.state);
      const deleted = await withStore(state, (store) =>
        deleteCampaign(store, id, {
          agrees: options.yes === true ? () => Promise.resolve(true) : ask,
          report: reportFolder(state, id),
        }),
      );
      if (options.json === true) console.log(JSON.stringify({ campaign: id, deleted }));
      else console.error(deleted ? `${id} is deleted` : `${id} is kept`);
    });
}

async function ask(question: string): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new UsageError("delete: there is no terminal to ask on; give --yes to delete unasked");
  return await confirm(question);
}

/** False: the answer was no. @throws {UsageError} the campaign is unknown, or still measures. */
export async function deleteCampaign(
  store: Pick<Store, "status" | "allStatus" | "deleteCampaign">,
  id: string,
  {
    agrees,
    report,
  }: { readonly agrees: (question: string) => Promise<boolean>; readonly report: string },
): Promise<boolean> {
  const status = await store.status(id);
  if (!status) throw await unknownCampaign(store, id);
  if (isOpen(status) && status.state !== "planned")
    throw new UsageError(
      `campaign ${id} is ${status.state}; \`longhaul cancel ${id}\` ends it first`,
    );
  const question = `Delete campaign ${id} (${ledgerText(status)}) with all its measurements and the report in ${report}?`;
  if (!(await agrees(question))) return false;
  await store.deleteCampaign(id);
  rmSync(report, { recursive: true, force: true });
  return true;
}
