import type { Command } from "commander";
import { labDown } from "../lab/lab.ts";
import { down } from "../services/services.ts";
import { stateFolder } from "../services/state-folder.ts";

export function downCommand(program: Command): void {
  program
    .command("down")
    .description("stop lab, worker, Temporal and PostgreSQL; the data stay")
    .action(async (options: { state?: string; json?: boolean }) => {
      const state = stateFolder(options.state);
      const ended = await down(state);
      // After the worker, which would otherwise see its hosts die and begin to recover them.
      await labDown(state);
      if (options.json) console.log(JSON.stringify({ ended }));
      else for (const { what, pid, how } of ended) console.error(`${what} ${how} (pid ${pid})`);
      console.error(
        `nothing of ${state.path} runs any more; data, logs and downloads are still there`,
      );
    });
}
