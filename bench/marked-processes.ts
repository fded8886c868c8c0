/** Processes that bear a state folder's marks: its services and its lab. */
import { readFileSync, readdirSync } from "node:fs";

interface Marked {
  readonly pid: number;
  readonly commandLine: string;
}

/** Whatever runs of a state folder, the asking process excepted. */
export function markedProcesses(state: {
  readonly path: string;
  readonly id: string;
}): readonly Marked[] {
  const marks = [`LONGHAUL_SERVICE_OF=${state.path}`, `LONGHAUL_LAB=${state.id}`];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .filter((pid) => {
      const environment = readProc(pid, "environ").split("\0");
      return marks.some((mark) => environment.includes(mark));
    })
    .map((pid) => ({ pid, commandLine: readProc(pid, "cmdline").replaceAll("\0", " ") }));
}

/** Empty: the process ended meanwhile, or is another user's. */
function readProc(pid: number, what: "environ" | "cmdline"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "latin1");
  } catch (error) {
    if (["ENOENT", "ESRCH", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? ""))
      return "";
    throw error;
  }
}
