/** Power by any command of the user's: a PDU's client, a relay board, or `longhaul lab power R1`. */
import type { Power } from "./power.ts";
import { proven } from "./proven.ts";
import { runLocally } from "./run-locally.ts";

/**
 * `commandOf` gives a host's command; `on`, `off` or `status` is put behind it. `status` must print a
 * text whose last word is `on` or `off`; a non-zero exit is a failure.
 */
export const commandPower = (
  commandOf: (host: string) => readonly string[],
  options: { readBackMs?: number } = {},
): Power =>
  proven(
    {
      async read(host) {
        const argv = [...commandOf(host), "status"];
        const told = /\b(on|off)\W*$/i.exec(await runLocally(argv))?.[1]?.toLowerCase();
        if (told === "on" || told === "off") return told;
        throw new Error(`${host}: \`${argv.join(" ")}\` says neither on nor off as its last word`);
      },
      async order(host, wanted) {
        await runLocally([...commandOf(host), wanted]);
      },
    },
    options.readBackMs,
  );
