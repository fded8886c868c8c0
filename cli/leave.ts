/** How `run` leaves its campaign. */
import { shellWord } from "../remote/shell-word.ts";
import { onInterrupt } from "./interrupt.ts";
import { exitCodes } from "./program.ts";
import { say } from "./say.ts";

/** What a person can do with a campaign in the background. */
export const goesOn = (id: string): readonly string[] => [
  `  longhaul status ${id} --watch   follows it`,
  `  longhaul pause ${id}            stops it after the current trial (resume: goes on)`,
  `  longhaul cancel ${id}           ends it`,
  `  longhaul down                   stops services and lab; the data stay`,
];

/**
 * Ctrl-C never stops a campaign: it leaves it. Before it is followed an interrupt ends the command at once,
 * and says what there is: the campaign that was named, or services and lab alone.
 */
export function leaveByInterrupt(file: string) {
  const controller = new AbortController();
  let campaign: string | null = null;
  let isFollowed = false;
  const end = onInterrupt(() => {
    if (isFollowed && !controller.signal.aborted) return controller.abort();
    if (campaign === null)
      say("\nInterrupted. Services and lab that were started stay up: `longhaul down` ends them.");
    else {
      say(
        `\nInterrupted. \`longhaul run ${shellWord(file)} --id ${campaign}\` attaches to ${campaign}, or starts it if it had not begun:`,
      );
      for (const line of goesOn(campaign)) say(line);
    }
    process.exit(exitCodes.detached);
  });
  return {
    named: (id: string) => void (campaign = id),
    /** From here on an interrupt detaches: the signal tells. */
    follows: () => {
      isFollowed = true;
      return controller.signal;
    },
    end,
  };
}
