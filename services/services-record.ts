import { writeServices } from "./services-file.ts";
import type { ServicesFile } from "./services-file.ts";
import type { StateFolder } from "./state-folder.ts";

/** The supervisor's knowledge of its services, and the file in which others read it. */
export interface ServicesRecord {
  readonly now: () => ServicesFile;
  /** Holds at once in memory. Where the file cannot be written it is later: services are kept also on a full disk. */
  readonly change: (next: Partial<ServicesFile>) => void;
  /** Writes what could not be written. */
  readonly catchUp: () => void;
}

export function servicesRecord(
  state: StateFolder,
  first: ServicesFile,
  log: (line: string) => void,
): ServicesRecord {
  let file = first;
  let failure: string | null = null;
  const write = (): void => {
    try {
      writeServices(state, file);
      if (failure !== null) log("services.json is written again");
      failure = null;
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words !== failure) log(`services.json cannot be written; it is tried again: ${words}`);
      failure = words;
    }
  };
  return {
    now: () => file,
    change(next) {
      file = { ...file, ...next };
      write();
    },
    catchUp() {
      if (failure !== null) write();
    },
  };
}
