import { routerHostNames } from "../../model/trial-hosts.ts";
import { Fenced } from "../../remote/shell.ts";
import { spentHosts, spentWords } from "./facts.ts";
import { reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { endsTheRung } from "./host-failure.ts";
import { names, stillOurs } from "./rung.ts";

/**
 * Gives hosts up until a person lets them take part again. In the store: a campaign that comes later
 * sees it, too. A router's host is isolated as far as that goes: what does not need it can be measured
 * only when no copy of a router can run there.
 */
export async function quarantine(setup: RungSetup): Promise<Climbed> {
  const { deps, order } = setup;
  const { ref, id, why, hosts } = order;
  const since = new Date().toISOString();
  const given = `nothing on the ladder helped after ${ref.trialId}, attempt ${ref.attempt} (${why})`;
  const spent = await spentHosts(setup);
  const giveUp = (host: string, isolated: boolean, words: string) => {
    const reason = [given, ...spent.filter((one) => one.host === host).map(spentWords), words];
    const row = { host, reason: reason.join("; "), isolated, recovery: id, since };
    return deps.store.putQuarantine(ref.testbed, row);
  };
  // Given up first: whatever becomes of the isolation, nothing is measured on them.
  for (const host of hosts)
    await giveUp(host, false, "whether a router is left on it is not known");
  const said: string[] = [];
  for (const host of hosts) {
    const { isolated, words } = await isolation(setup, host);
    await giveUp(host, isolated, words);
    said.push(`${host}: ${words}`);
  }
  return {
    status: "verified",
    words: `${names(hosts)}: in quarantine until a person releases it (${said.join("; ")})`,
  };
}

interface Isolation {
  readonly isolated: boolean;
  readonly words: string;
}

/** By the host's own word where it answers; otherwise its power is switched off, and read back. */
async function isolation(setup: RungSetup, host: string): Promise<Isolation> {
  if (!routerHostNames.some((name) => name === host))
    return { isolated: true, words: "it carries no router" };
  const left = await routersLeft(setup, host);
  if (left === null)
    return { isolated: true, words: "it says itself that no router is left on it" };
  try {
    await stillOurs(setup);
    const { power } = setup.bench;
    await power.off(host);
    const state = await power.state(host);
    return state === "off"
      ? { isolated: true, words: `${left}; its power was switched off` }
      : {
          isolated: false,
          words: `${left}, and its power still reads ${state}: a router may run on it`,
        };
  } catch (error) {
    if (endsTheRung(error)) throw error;
    const failure = error instanceof Error ? error.message : String(error);
    return {
      isolated: false,
      words: `${left}, and its power cannot be switched off (${failure}): a router may run on it`,
    };
  }
}

/** null: none, by the host's own word. */
async function routersLeft(setup: RungSetup, host: string): Promise<string | null> {
  try {
    const hosts = setup.hosts.filter((one) => one === host);
    const reached = await reach({ ...setup, hosts });
    const { fence, ailing } = reached;
    if (reached.unreachable.length > 0) return "it does not answer";
    const [ill] = ailing;
    if (ill !== undefined) return `it answers with an error (${ill.words})`;
    for (const { driver, guest } of setup.routers) {
      await driver.destroy(fence, host, guest);
      const state = await driver.inspect(host, guest);
      if (state !== "absent") return `${guest.name} is still ${state} on it`;
    }
    return null;
  } catch (error) {
    // A host that was booted meanwhile refuses, too; one that has another's token is that one's.
    if (error instanceof Fenced) await stillOurs(setup);
    else if (endsTheRung(error)) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
