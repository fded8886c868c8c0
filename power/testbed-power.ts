/** The power of a testbed's hosts, each by what its file names. */
import { hostNames } from "../model/testbed.ts";
import type { Host, Testbed } from "../model/testbed.ts";
import { commandPower } from "./command.ts";
import { ipmiPower } from "./ipmi.ts";
import type { Power } from "./power.ts";

/** A host without either refuses every verb by name. */
export function testbedPower(testbed: Testbed): Power {
  const hostOf = (host: string): Host => {
    const name = hostNames.find((known) => known === host);
    if (name === undefined)
      throw new Error(
        `testbed ${testbed.name} has no host ${host}; known: ${hostNames.join(", ")}`,
      );
    return testbed.hosts[name];
  };
  const byCommand = commandPower((host) => hostOf(host).powerCommand ?? missing(host));
  const byIpmi = ipmiPower((host) => hostOf(host).ipmi ?? missing(host));
  const of = (host: string): Power => (hostOf(host).powerCommand === null ? byIpmi : byCommand);
  const missing = (host: string): never => {
    throw new Error(
      `${testbed.name}: the power of ${host} is not controlled; its file names neither powerCommand nor ipmi`,
    );
  };
  return {
    state: async (host) => of(host).state(host),
    on: async (host) => of(host).on(host),
    off: async (host) => of(host).off(host),
    cycle: async (host) => of(host).cycle(host),
  };
}
