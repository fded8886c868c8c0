/** What a trial was made with, read back: versions, settings of hosts and guest, seed. */
import { readFileSync } from "node:fs";
import type { Provenance } from "../model/measurement.ts";
import type { Fence, HostIdentity } from "../remote/agent.ts";
import type { TrialDeps } from "./deps.ts";
import type { Setup } from "./setup.ts";

const source = readFileSync(new URL("./host-settings.py", import.meta.url), "utf8");

/** Settings of hosts are read again after this long, and after any of them was booted. */
const hostsReadAgainMs = 600_000;

interface Read<Settings> {
  readonly key: string;
  readonly atMs: number;
  readonly settings: Settings;
}
/**
 * Reading settings takes longer than the rest of `prepare`, so that they are kept, by testbed: those of
 * hosts as said above, those of a router for the trials of one sweep that keep it. Each says when it
 * was read.
 */
const hostsRead = new Map<string, Read<object>>();
const routersRead = new Map<string, Read<object>>();

/** Reads settings back; the router must be there. */
export async function provenanceOf(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  { identities, router }: { identities: readonly HostIdentity[]; router: "kept" | "created" },
): Promise<Provenance> {
  const { bench, driver, guest, host, campaign, stream, trial } = setup;
  const { testbed } = bench;
  const boots = identities.map(({ bootId }) => bootId).join(" ");
  const [routerSettings, hostSettings] = await Promise.all([
    kept(routersRead, testbed.name, `${trial.element} ${boots}`, router === "kept", () =>
      driver.describe(host, guest),
    ),
    kept(hostsRead, testbed.name, boots, true, () => readHosts(setup, fence, identities)),
  ]);
  return {
    longhaul: deps.longhaulVersion,
    seed: campaign.seed,
    stream,
    accelerator: testbed.accelerator,
    lineRateMbpsL1: testbed.lineRateMbpsL1,
    guest,
    router: routerSettings,
    ...hostSettings,
  };
}

async function kept(
  reads: Map<string, Read<object>>,
  testbed: string,
  key: string,
  mayKeep: boolean,
  read: () => Promise<object>,
): Promise<object> {
  const known = reads.get(testbed);
  if (mayKeep && known?.key === key && Date.now() - known.atMs < hostsReadAgainMs)
    return known.settings;
  const settings = { readAt: new Date().toISOString(), ...(await read()) };
  reads.set(testbed, { key, atMs: Date.now(), settings });
  return settings;
}

async function readHosts(
  setup: Setup,
  fence: Fence,
  identities: readonly HostIdentity[],
): Promise<object> {
  const { bench, stream } = setup;
  const [version, hosts] = await Promise.all([
    bench.generator.version(stream.source),
    Promise.all(
      identities.map(async (identity) => {
        const settings = await hostSettings(setup, fence, identity.host);
        return [identity.host, { ...identity, ...settings }] as const;
      }),
    ),
  ]);
  return {
    generator: { name: bench.generator.name, version },
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
