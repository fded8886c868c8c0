import { hasConsole } from "../../hypervisors/hypervisor.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { endsTheRung } from "./host-failure.ts";
import { names } from "./rung.ts";

const consoleLines = 40;

/**
 * Asks every host that takes part what is true on it now, before anything is changed: whether it answers, its boot,
 * its units, and on R1 and R2 the state and console of the router. Changes nothing.
 */
export async function collectEvidence(setup: RungSetup): Promise<Climbed> {
  const hosts = await Promise.all(setup.hosts.map((name) => evidenceOf(setup, name)));
  const unreachable = hosts.filter(({ silent }) => silent).map(({ host }) => host);
  const ailing = hosts.filter(({ silent, error }) => !silent && error !== null);
  const states = hosts.flatMap(({ host, router }) =>
    router === null ? [] : [`${router} on ${host}`],
  );
  return {
    status: "verified",
    words: [
      `router ${states.join(", ") || "unknown"}`,
      unreachable.length === 0 ? "all hosts answer" : `no answer from ${names(unreachable)}`,
      ...ailing.map(({ host, error }) => `${host}: ${error}`),
    ].join("; "),
    hosts: setup.hosts,
    unreachable,
    suspects: ailing.map(({ host }) => host),
    details: { evidence: hosts },
  };
}

async function evidenceOf({ bench, driver, guest }: RungSetup, host: string) {
  const nothing = { bootId: null, units: null, router: null, console: null, error: null };
  const seen = { host, silent: false, ...nothing };
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
    if (endsTheRung(error)) throw error;
    const words = error instanceof Error ? error.message : String(error);
    return { ...seen, silent: error instanceof NoExitStatus, error: words };
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
