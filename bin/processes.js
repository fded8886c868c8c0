/** Processes of Longhaul on this machine, of whichever checkout; plain JavaScript, for any Node from 20 on. */
import { readFileSync, readdirSync } from "node:fs";

/** What of /proc tells whose a process is; words and environment are empty for one that ended meanwhile. */
export const processes = () =>
  readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .map((pid) => ({ pid, words: read(pid, "cmdline"), environment: read(pid, "environ") }));

export const valueIn = (environment, name) =>
  environment.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);

const keepers = ["workers/main.ts", "services/supervisor.ts"];

/** Those that keep a state folder's services alive: with the checkout whose code they run. */
export const servicesKept = (all) =>
  all.flatMap(({ pid, words, environment }) => {
    const state = valueIn(environment, "LONGHAUL_STATE");
    const program = words.find((word) => keepers.some((keeper) => word.endsWith(`/${keeper}`)));
    const keeper = keepers.find((one) => program?.endsWith(`/${one}`));
    return state === undefined || keeper === undefined
      ? []
      : [{ pid, state, environment, checkout: program.slice(0, -keeper.length - 1) }];
  });

/** State folders with a lab that is up: the command line of a host's init names its folder. */
export const labFolders = (all) => [
  ...new Set(
    all
      .filter(({ environment }) => valueIn(environment, "LONGHAUL_LAB") !== undefined)
      .flatMap(({ words }) => words.map((word) => /^(\/.+)\/lab\/hosts\/[^/]+$/.exec(word)?.[1]))
      .filter((folder) => folder !== undefined),
  ),
];

function read(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8").split("\0");
  } catch (error) {
    // It ended while we read, or is another user's.
    if (["ENOENT", "ESRCH", "EACCES"].includes(error.code)) return [];
    throw error;
  }
}
