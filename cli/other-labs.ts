/** Labs of other state folders on this machine: they share its cores, and falsify what both measure. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { shellWord } from "../remote/shell-word.ts";
import type { StateFolder } from "../services/state-folder.ts";
import type { Check } from "./doctor.ts";

/** In the environment of every process that holds a lab's namespaces. */
const mark = "LONGHAUL_LAB=";

/** The command line of a host's init names its folder: `…/lab/hosts/R1`. */
const hostFolder = /^(\/.+)\/lab\/hosts\/[^/]+$/;

/** By their state folders, as far as these can be told. */
export function otherLabs(state: Pick<StateFolder, "id">): readonly string[] {
  const folders = new Map<string, string>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const entry = words(pid, "environ").find((word) => word.startsWith(mark));
    const id = entry?.slice(mark.length);
    if (id === undefined || id === state.id) continue;
    const folder = words(pid, "cmdline").map((word) => hostFolder.exec(word)?.[1]);
    const known = folder.find((one) => one !== undefined);
    if (known !== undefined) folders.set(id, known);
    else if (!folders.has(id)) folders.set(id, `lab ${id}`);
  }
  return [...folders.values()];
}

export function otherLabsCheck(state: Pick<StateFolder, "id">): Check {
  const others = otherLabs(state);
  const name = "other labs";
  if (others.length === 0)
    return { name, result: "ok", detail: "none on this machine", mend: null };
  return {
    name,
    result: "warn",
    detail: `up on this machine, too: ${others.join(", ")}; both measure less than they would alone`,
    mend: others
      .map(
        (folder) => `longhaul --state ${folder.startsWith("/") ? shellWord(folder) : "…"} lab down`,
      )
      .join("\n"),
  };
}

function words(pid: string, what: "environ" | "cmdline"): string[] {
  try {
    return readFileSync(join("/proc", pid, what), "latin1").split("\0");
  } catch (error) {
    // The process ended while we read, or is another user's.
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return [];
    throw error;
  }
}
