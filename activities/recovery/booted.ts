/** The proof of a boot: another boot id than before, told by the host itself. */
import { NoExitStatus } from "../../remote/shell.ts";
import type { RungSetup } from "./rung.ts";
import { within } from "./rung.ts";

/** From power or reboot until the agent answers; a server's firmware takes minutes. */
const bootDeadlineMs = 600_000;

/** null: the host runs a new boot. Otherwise says what it does instead. `before` null: any boot will do, as the power was proven off. */
export async function notBooted(
  { bench }: RungSetup,
  host: string,
  before: string | null,
): Promise<string | null> {
  let last = "";
  const booted = await within(bootDeadlineMs, async () => {
    try {
      const { bootId } = await (await bench.hosts.agent(host)).identity();
      last = `it still runs the boot ${bootId}`;
      return bootId !== before;
    } catch (error) {
      if (!(error instanceof NoExitStatus)) throw error;
      last = error.message;
      return false;
    }
  });
  return booted ? null : `${host}: not booted within ${bootDeadlineMs / 1000} s: ${last}`;
}
