import { hasConsole } from "../../hypervisors/hypervisor.ts";
import { restartsToolstack } from "../../hypervisors/hypervisor.ts";
import type { LadderFacts } from "../../model/ladder.ts";
import { hostNames } from "../../model/testbed.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { names } from "./rung.ts";

const consoleLines = 40;

/**
 * Asks every host that takes part what is true on it now, before anything is changed: whether it answers, its boot,
 * its units, and on R1 and R2 the state and console of the router. Changes nothing. Also tells which
 * rungs there are on this testbed.
 */
export async function collectEvidence(setup: RungSetup): Promise<Climbed> {
  const hosts = await Promise.all(setup.hosts.map((name) => evidenceOf(setup, name)));
  const unreachable = hosts.filter(({ error }) => error !== null).map(({ host }) => host);
  const states = hosts.flatMap(({ host, router }) =>
    router === null ? [] : [`${router} on ${host}`],
  );
  return {
    status: "verified",
    words: `router ${states.join(", ") || "unknown"}; ${unreachable.length === 0 ? "all hosts answer" : `no answer from ${names(unreachable)}`}`,
    hosts: setup.hosts,
    unreachable,
    facts: factsOf(setup),
    details: { evidence: hosts },
  };
}

function factsOf({ bench, trial, driver }: RungSetup): LadderFacts {
  const { hosts, kind } = bench.testbed;
  return {
    migration: trial.kind === "migration",
    toolstack: restartsToolstack(driver),
    rebootable: hostNames.filter((name) => hosts[name].rebootFromInside),
    powered: hostNames.filter(
      (name) => kind === "lab" || hosts[name].powerCommand !== null || hosts[name].ipmi != null,
    ),
  };
}

async function evidenceOf({ bench, driver, guest }: RungSetup, host: string) {
  const seen = { host, bootId: null, units: null, router: null, console: null, error: null };
  try {
    const agent = await bench.hosts.agent(host);
    const [{ bootId }, units] = await Promise.all([agent.identity(), agent.units()]);
    const known = { ...seen, bootId, units: units.map(({ name, status }) => ({ name, status })) };
    if (host !== "R1" && host !== "R2") return known;
    const [router, console] = await Promise.all([
      told(() => driver.inspect(host, guest)),
      told(async () =>
        hasConsole(driver) ? await driver.consoleTail(host, guest, consoleLines) : "",
      ),
    ]);
    return { ...known, router, console };
  } catch (error) {
    if (error instanceof NoExitStatus) return { ...seen, error: error.message };
    throw error;
  }
}

/** A question that fails is evidence as well. */
async function told(ask: () => Promise<string>): Promise<string> {
  try {
    return await ask();
  } catch (error) {
    return `does not tell: ${error instanceof Error ? error.message : String(error)}`;
  }
}
