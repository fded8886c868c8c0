/** What a trial was made with, read back: versions, settings of hosts and guest, seed. */
import { readFileSync } from "node:fs";
import type { Provenance } from "../model/measurement.ts";
import type { Fence, HostIdentity } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import type { Setup } from "./setup.ts";

const source = readFileSync(new URL("./host-settings.py", import.meta.url), "utf8");

/**
 * Reading settings takes longer than the rest of `prepare`, so they are read once for each element
 * (sweep or migration trial) and router, and again after a router or a host was made anew. `readAt`
 * says when.
 */
const lastRead = new Map<string, { key: string; settings: Promise<object> }>();

/** Reads settings back; the router must be there. */
export async function provenanceOf(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  { identities, router }: { identities: readonly HostIdentity[]; router: "kept" | "created" },
): Promise<Provenance> {
  const { bench, guest, campaign, stream, trial } = setup;
  const key = [trial.element, ...identities.map(({ bootId }) => bootId)].join(" ");
  const known = lastRead.get(bench.testbed.name);
  const settings =
    known?.key === key && router === "kept"
      ? known.settings
      : readSettings(setup, fence, identities);
  lastRead.set(bench.testbed.name, { key, settings });
  try {
    return {
      longhaul: deps.longhaulVersion,
      seed: campaign.seed,
      stream,
      accelerator: bench.testbed.accelerator,
      lineRateMbpsL1: bench.testbed.lineRateMbpsL1,
      guest,
      ...(await settings),
    };
  } catch (error) {
    lastRead.delete(bench.testbed.name);
    throw error;
  }
}

async function readSettings(
  setup: Setup,
  fence: Fence,
  identities: readonly HostIdentity[],
): Promise<object> {
  const { bench, driver, guest, host, stream } = setup;
  const [router, version, hosts] = await Promise.all([
    driver.describe(host, guest),
    bench.generator.version(stream.source),
    Promise.all(
      identities.map(async (identity) => {
        const settings = await hostSettings(setup, fence, identity.host);
        return [identity.host, { ...identity, ...settings }] as const;
      }),
    ),
  ]);
  return {
    readAt: new Date().toISOString(),
    generator: { name: bench.generator.name, version },
    router,
    hosts: Object.fromEntries(hosts),
  };
}

async function hostSettings(setup: Setup, fence: Fence, host: string): Promise<object> {
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
  return output.result as object;
}
