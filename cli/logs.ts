import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { UsageError } from "../model/usage-error.ts";
import { logFile, loggingServices, logTail } from "../services/log-files.ts";
import type { LoggingService } from "../services/log-files.ts";
import { stateFolder } from "../services/state-folder.ts";

const known = (service: string): LoggingService => {
  const found = loggingServices.find((name) => name === service);
  if (found === undefined)
    throw new UsageError(
      `logs: no service is called "${service}"; known ones: ${loggingServices.join(", ")}`,
    );
  return found;
};

const count = (text: string): number => {
  if (!/^\d{1,7}$/.test(text))
    throw new UsageError(`logs --lines: "${text}" is not a number of lines; give, say, 100`);
  return Number(text);
};

/** Prints what is appended from now on, until it is interrupted. */
async function follow(file: string): Promise<never> {
  const handle = await open(file, "a+");
  let position = (await handle.stat()).size;
  for (;;) {
    const { size } = await handle.stat();
    // Emptied by rotation: begin anew.
    if (size < position) position = 0;
    if (size > position) {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(65_536), 0, 65_536, position);
      process.stdout.write(buffer.subarray(0, bytesRead));
      position += bytesRead;
      continue;
    }
    await delay(200);
  }
}

export function logsCommand(program: Command): void {
  program
    .command("logs")
    .argument("[service]", loggingServices.join(", "))
    .description("show the logs of the services and the worker")
    .option("--lines <n>", "how many of the last lines of each", "100")
    .option("--follow", "go on with what comes (needs a service)")
    .action(
      async (
        service: string | undefined,
        options: { state?: string; json?: boolean; lines: string; follow?: boolean },
      ) => {
        const names = service === undefined ? loggingServices : [known(service)];
        const lines = count(options.lines);
        if (options.follow && service === undefined)
          throw new UsageError(
            `logs --follow: name one service; known ones: ${loggingServices.join(", ")}`,
          );
        const state = stateFolder(options.state);
        const tails = names.map((name) => ({ name, lines: logTail(logFile(state, name), lines) }));
        if (options.json) {
          console.log(
            JSON.stringify(Object.fromEntries(tails.map((tail) => [tail.name, tail.lines]))),
          );
          return;
        }
        for (const tail of tails)
          for (const line of tail.lines)
            console.log(service === undefined ? `${tail.name.padEnd(10)} ${line}` : line);
        if (options.follow && names[0]) await follow(logFile(state, names[0]));
      },
    );
}
