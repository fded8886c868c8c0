/** What a trial was made with, read back: versions, settings of hosts and guest, seed. */
import { readFileSync } from "node:fs";
import type { Provenance } from "../model/measurement.ts";
import { hostNames } from "../model/testbed.ts";
import type { Fence, HostIdentity } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import type { Setup } from "./setup.ts";

const source = readFileSync(new URL("./host-settings.py", import.meta.url), "utf8");

interface HostSettings {
  readonly key: string;
  readonly readAt: string;
  readonly settings: unknown;
}
/**
 * Settings of hosts are read once for each boot and element (sweep or migration trial), as reading
 * them takes longer than the rest of `prepare`; `readAt` says when.
 */
const settingsRead = new Map<string, HostSettings>();

async function hostSettings(
  setup: Setup,
  fence: Fence,
  host: string,
  bootId: string,
): Promise<HostSettings> {
  const place = `${setup.bench.testbed.name} ${host}`;
  const key = `${bootId} ${setup.trial.element}`;
  const known = settingsRead.get(place);
  if (known?.key === key) return known;
  const agent = await setup.bench.hosts.agent(host);
  const name = setup.unit("settings");
  await agent.startUnit(fence, {
    name,
    deadlineMs: 10_000,
    program: { kind: "python", source, args: null },
  });
  const output = await agent.waitUnit(name, { timeoutMs: 15_000 });
  if (output.result === null)
    throw new Error(`${host}: its settings cannot be read\nstderr:\n${output.stderr}`);
  const read = { key, readAt: new Date().toISOString(), settings: output.result };
  settingsRead.set(place, read);
  return read;
}

/** Reads settings; the router must be there. */
export async function provenanceOf(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  identities: readonly HostIdentity[],
): Promise<Provenance> {
  const { bench, driver, guest, host, campaign, stream } = setup;
  const [router, generatorVersion, hosts] = await Promise.all([
    driver.describe(host, guest),
    bench.generator.version(stream.source),
    Promise.all(
      hostNames.map(async (name) => {
        const identity = identities.find((one) => one.host === name);
        const { readAt, settings } = await hostSettings(setup, fence, name, identity?.bootId ?? "");
        return [name, { ...identity, readAt, ...(settings as object) }] as const;
      }),
    ),
  ]);
  return {
    longhaul: deps.longhaulVersion,
    seed: campaign.seed,
    generator: { name: bench.generator.name, version: generatorVersion },
    stream,
    accelerator: bench.testbed.accelerator,
    lineRateMbpsL1: bench.testbed.lineRateMbpsL1,
    guest,
    router,
    hosts: Object.fromEntries(hosts),
  };
}
