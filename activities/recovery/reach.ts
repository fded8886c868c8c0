/** The hosts as a rung finds them: who answers, who is silent, and who answers that something is wrong. */
import type { Fence } from "../../remote/agent.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { endsTheRung } from "./host-failure.ts";
import { names } from "./rung.ts";

export interface Reached {
  readonly fence: Fence;
  readonly unreachable: readonly string[];
  /** They answer, and refused what every rung begins with. */
  readonly ailing: readonly { readonly host: string; readonly words: string }[];
}

/**
 * Raises the token on every host that answers, and ends what earlier tokens left running there: the
 * load of the failed attempt, too. A host that does not answer, or answers with an error, is named and
 * not waited for.
 */
export async function reach({ bench, order, hosts }: RungSetup): Promise<Reached> {
  const { token } = order.ref;
  const found = await Promise.all(
    hosts.map(async (host) => {
      try {
        const agent = await bench.hosts.agent(host);
        const { bootId } = await agent.identity();
        const own = { token, bootIds: { [host]: bootId } };
        await agent.raise(own);
        await agent.sweepUnits(own);
        return { host, kind: "answers", bootId } as const;
      } catch (error) {
        if (endsTheRung(error)) throw error;
        if (error instanceof NoExitStatus) return { host, kind: "silent" } as const;
        const words = error instanceof Error ? error.message : String(error);
        return { host, kind: "ailing", words } as const;
      }
    }),
  );
  const bootIds = found.flatMap((one) =>
    one.kind === "answers" ? [[one.host, one.bootId] as const] : [],
  );
  return {
    fence: { token, bootIds: Object.fromEntries(bootIds) },
    unreachable: found
      .filter(({ kind }) => kind === "silent")
      .map(({ host }) => host)
      .sort(),
    ailing: found.filter((one) => one.kind === "ailing"),
  };
}

/** null: all of them answered as they should. Otherwise the rung has failed, and says whose fault it was. */
export function notReached(
  { unreachable, ailing }: Reached,
  wanted: (host: string) => boolean = () => true,
): Climbed | null {
  const silent = unreachable.filter(wanted);
  const ill = ailing.filter(({ host }) => wanted(host));
  if (silent.length === 0 && ill.length === 0) return null;
  const words = [
    ...(silent.length === 0 ? [] : [`no answer from ${names(silent)}`]),
    ...ill.map(({ host, words: said }) => `${host}: ${said}`),
  ].join("; ");
  return { status: "failed", words, unreachable: silent, suspects: ill.map(({ host }) => host) };
}
