/** Campaigns that measure on this machine now: whatever runs beside them falsifies their figures. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { pinnedNode } from "./dependencies.js";
import { labFolders, processes, servicesKept } from "./processes.js";

const answerDeadlineMs = 60_000;

/**
 * One sentence for each state folder with living services on which a campaign measures, or on whose lab
 * nobody can tell whether one does. Every folder is asked by its own checkout's program, in the
 * environment of its services: another version would change its store. Folders of tests do not count.
 */
export async function measuring(all = processes()) {
  const folders = new Map(servicesKept(all).map((kept) => [kept.state, kept]));
  const labs = labFolders(all);
  const told = await Promise.all(
    [...folders.values()]
      .filter(({ state }) => !/\/\.longhaul\/test\//.test(state))
      .map(async (kept) => {
        const { state } = kept;
        const command = `${join(kept.checkout, "bin", "longhaul")} --state ${state}`;
        const { campaigns, reason } = await statusOf(kept);
        if (campaigns === null)
          return labs.includes(state)
            ? `whether a campaign measures on the lab of ${state} cannot be told (${reason}), and tests would falsify its figures. Mend that, or: ${command} down`
            : null;
        const busy = campaigns.filter(({ state: is }) => is === "running");
        if (busy.length === 0) return null;
        const ids = busy.map(({ campaign }) => campaign);
        return `campaign ${ids.join(", ")} of ${state} is measuring; tests would falsify its figures. Wait for it (${command} status --watch), or: ${command} cancel ${ids[0]}`;
      }),
  );
  return told.filter((sentence) => sentence !== null);
}

async function statusOf({ checkout, environment }) {
  const env = Object.fromEntries(
    environment.filter((entry) => entry.includes("=")).map((entry) => split(entry)),
  );
  try {
    const { stdout } = await promisify(execFile)(
      pinnedNode(checkout),
      [join(checkout, "cli", "main.ts"), "status", "--json"],
      { cwd: checkout, env, timeout: answerDeadlineMs, maxBuffer: 2 ** 28 },
    );
    const { campaigns, reason } = JSON.parse(stdout);
    return { campaigns, reason };
  } catch (error) {
    const [words] = (error.stderr || error.message).trim().split("\n").slice(-1);
    return { campaigns: null, reason: words };
  }
}

const split = (entry) => {
  const at = entry.indexOf("=");
  return [entry.slice(0, at), entry.slice(at + 1)];
};
