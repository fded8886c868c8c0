/** The proof of a boot: another boot id than before, told by the host itself. */
import { z } from "zod";
import { NoExitStatus } from "../../remote/shell.ts";
import type { RungSetup } from "./rung.ts";
import { bootIdsBefore, within } from "./rung.ts";

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

export interface BootsBefore {
  /** null: the host did not tell, and no boot of it is known. */
  readonly bootIds: Readonly<Record<string, string | null>>;
  /** An earlier run of this rung, under the same token, has begun already. */
  readonly isRetry: boolean;
}

const begunContent = z.object({ bootIds: z.record(z.string(), z.string().nullable()) });

/**
 * The boots of the rung's hosts when it was first run, stored before it changes anything: a retry whose
 * first run was cut, or could not store its end, then knows what has been done.
 */
export async function bootsBefore(setup: RungSetup): Promise<BootsBefore> {
  const { deps, order } = setup;
  const { ref, id, step } = order;
  const key = `${id}#${ref.token} ${step} begins`;
  const events = await deps.store.events({ trial: ref.trialId });
  const begun = events.find((event) => event.key === key);
  if (begun !== undefined)
    return { bootIds: begunContent.parse(begun.content).bootIds, isRetry: true };
  const prepared = await bootIdsBefore(setup);
  const bootIds = Object.fromEntries(
    await Promise.all(
      order.hosts.map(
        async (host) => [host, (await bootIdNow(setup, host)) ?? prepared[host] ?? null] as const,
      ),
    ),
  );
  await deps.store.putEvent({
    ...{ key, testbed: ref.testbed, campaign: ref.campaignId, trial: ref.trialId },
    ...{ attempt: ref.attempt, host: null, kind: "rung-begins" },
    content: { recovery: id, step, token: ref.token, bootIds },
    at: new Date().toISOString(),
  });
  return { bootIds, isRetry: false };
}

/** null: it does not tell. */
export async function bootIdNow({ bench }: RungSetup, host: string): Promise<string | null> {
  try {
    return (await (await bench.hosts.agent(host)).identity()).bootId;
  } catch {
    return null;
  }
}
