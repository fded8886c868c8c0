import type { Reached } from "./reach.ts";
import { reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { endsTheRung } from "./host-failure.ts";
import { names, routerHosts } from "./rung.ts";

/** Destroys the routers of all platforms on both hosts, and asks each host anew whether any is left. */
export async function destroyBoth(setup: RungSetup): Promise<Climbed> {
  const reached = await reach(setup);
  const left = await destroyAll(setup, reached);
  const silent = routerHosts(setup).filter((host) => reached.unreachable.includes(host));
  const ailing = reached.ailing.filter(({ host }) =>
    routerHosts(setup).some((name) => name === host),
  );
  if (silent.length === 0 && ailing.length === 0 && left.length === 0)
    return {
      status: "verified",
      words: `no router is left on ${routerHosts(setup).join(" and ")}`,
    };
  const words = [
    ...left.map(({ words }) => words),
    ...ailing.map(({ host, words }) => `${host}: ${words}`),
    ...(silent.length > 0 ? [`no answer from ${names(silent)}: a copy may run there`] : []),
  ].join("; ");
  const suspects = [...new Set([...left, ...ailing].map(({ host }) => host))];
  return { status: "failed", words, unreachable: silent, suspects };
}

/** What is left of any router on the hosts that answer; empty when it is proven gone there. */
async function destroyAll(
  setup: RungSetup,
  { fence }: Reached,
): Promise<readonly { host: string; words: string }[]> {
  const hosts = routerHosts(setup).filter((host) => fence.bootIds[host] !== undefined);
  const left = await Promise.all(
    hosts.flatMap((host) =>
      setup.routers.map(async ({ driver, guest }) => {
        try {
          await driver.destroy(fence, host, guest);
          const state = await driver.inspect(host, guest);
          return state === "absent" ? null : `${host}: ${guest.name} is still ${state}`;
        } catch (error) {
          if (endsTheRung(error)) throw error;
          return `${host}: ${guest.name}: ${error instanceof Error ? error.message : String(error)}`;
        }
      }),
    ),
  );
  return left.flatMap((words) =>
    words === null ? [] : [{ host: words.slice(0, words.indexOf(":")), words }],
  );
}
