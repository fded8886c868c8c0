import type { Testbed } from "../model/testbed.ts";
import type { Hosts } from "../remote/agent.ts";
import type { Generator } from "./generator.ts";
import { tcpreplay } from "./tcpreplay.ts";

/** Every generator by the name that a testbed file uses. */
export const generators = (testbed: Testbed, hosts: Hosts): Record<string, Generator> => {
  const replay = tcpreplay(testbed, hosts);
  return { [replay.name]: replay };
};
