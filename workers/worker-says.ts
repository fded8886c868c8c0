/** What this worker tells the supervisor and `status`. A full disk takes no words and ends no worker. */
import { announceWorker, beatWorker } from "../services/worker-ready.ts";
import type { WorkerWord } from "../services/worker-ready.ts";
import type { StateFolder } from "../services/state-folder.ts";

export interface WorkerSays {
  word(word: Omit<WorkerWord, "process">): void;
  /** Says a word that could not be written, too. */
  beat(): void;
}

export function workerSays(state: StateFolder, log: (line: string) => void): WorkerSays {
  let unsaid: Omit<WorkerWord, "process"> | null = null;
  let failure = "";
  const attempt = (act: () => void): void => {
    try {
      act();
      failure = "";
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      if (words !== failure) log(`cannot tell how this worker stands; tried again: ${words}`);
      failure = words;
    }
  };
  const say = (): void =>
    attempt(() => {
      if (unsaid !== null) announceWorker(state, unsaid);
      unsaid = null;
    });
  return {
    word(word) {
      unsaid = word;
      say();
    },
    beat() {
      if (unsaid === null) attempt(() => beatWorker(state));
      else {
        say();
        // What cannot be written on a full disk can be touched.
        if (unsaid !== null) attempt(() => beatWorker(state));
      }
    },
  };
}
