/** Testbeds by name, as the acts use them: looked up here, on the worker; nothing of them travels through Temporal. */
import { type Bench, TestbedAway } from "../activities/deps.ts";
import { generators } from "../generators/generators.ts";
import { drivers } from "../hypervisors/drivers.ts";
import { faultInjector } from "../lab/faults/faults.ts";
import { labBoots, labPower, labTestbed } from "../lab/lab.ts";
import type { TestbedFile } from "../model/testbed-file.ts";
import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Power } from "../power/power.ts";
import { packetSink } from "../probes/sink.ts";
import { testbedPower } from "../power/testbed-power.ts";
import { openHosts } from "../remote/hosts.ts";
import type { StateFolder } from "../services/state-folder.ts";
import type { Store } from "../store/store.ts";

export interface Benches {
  /** Connections are kept until the testbed changes (a lab that was brought up anew is another one). */
  readonly bench: (name: string) => Promise<Bench>;
  close(): Promise<void>;
}

export function benches(state: StateFolder, store: Pick<Store, "testbed">): Benches {
  const open = new Map<string, { readonly content: string; readonly bench: Bench }>();
  return {
    async bench(name) {
      const testbed = await resolve(name);
      const content = JSON.stringify(testbed);
      const known = open.get(name);
      if (known?.content === content) return known.bench;
      const bench =
        testbed.kind === "lab"
          ? {
              ...build(testbed, labPower(state)),
              boots: labBoots(state),
              faults: faultInjector(state),
            }
          : build(testbed, testbedPower(testbed));
      open.set(name, { content, bench });
      await known?.bench.hosts.close();
      return bench;
    },
    async close() {
      await Promise.all([...open.values()].map(({ bench }) => bench.hosts.close()));
      open.clear();
    },
  };

  async function resolve(name: string): Promise<Testbed> {
    const stored = await store.testbed(name);
    if (stored === null) throw new UsageError(`the store has no testbed ${name}`);
    const file = stored.content as TestbedFile;
    if (file.kind === "physical") return file;
    const lab = labTestbed(state);
    if (lab === null)
      throw new TestbedAway(`the lab ${name} is not up; \`longhaul lab up\` brings it up`);
    if (lab.name !== name)
      throw new TestbedAway(`the lab that is up is ${lab.name}, not ${name}; \`longhaul lab up\``);
    return lab;
  }
}

function build(testbed: Testbed, power: Power): Bench {
  const hosts = openHosts(testbed);
  const known = generators(testbed, hosts);
  const generator = known[testbed.generator];
  if (generator === undefined)
    throw new UsageError(
      `testbed ${testbed.name}: unknown generator ${testbed.generator}; known: ${Object.keys(known).join(", ")}`,
    );
  const receiver = generator.receiver ?? packetSink(hosts);
  return { testbed, hosts, drivers: drivers(testbed, hosts), generator, receiver, power };
}
