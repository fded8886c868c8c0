/** Settings of a guest as Xen, the host and the guest itself tell them. */
import { z } from "zod";
import type { GuestSpec } from "../model/guest.ts";
import type { Provenance } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Agent } from "../remote/agent.ts";
import { read } from "./acts.ts";
import { guestQuestions, insideOf } from "./guest-settings.ts";
import { describeHost } from "./host-settings.ts";
import { nicOn, vifOf } from "./wiring.ts";
import { askXenGuest } from "./xen-console.ts";
import { toolstackMs } from "./xen-process.ts";

const listed = z.array(
  z.object({
    config: z.object({
      c_info: z.object({ type: z.string(), name: z.string() }),
      b_info: z.object({ max_vcpus: z.number().optional(), max_memkb: z.number() }),
      nics: z
        .array(z.object({ mac: z.string(), ifname: z.string(), bridge: z.string() }))
        .optional(),
    }),
  }),
);

export const describeXen = async (
  agent: Agent,
  testbed: Testbed,
  guest: GuestSpec,
): Promise<Provenance> => {
  const devices = guest.nics.flatMap((nic) => [
    nicOn(testbed, agent.host, nic.segment).device,
    vifOf(nic),
    nic.bridge,
  ]);
  const [info, list, settings, offloads, inside] = await Promise.all([
    read(agent, ["xl", "info"], { timeoutMs: toolstackMs }),
    read(agent, ["xl", "list", "-l"], { timeoutMs: toolstackMs }),
    describeHost(agent, devices),
    agent.offloads(devices),
    askXenGuest(agent, guest, ["sh", "-c", guestQuestions]),
  ]);
  const told = Object.fromEntries(
    info.split("\n").map((line) => line.split(/\s*:\s*(.*)/s).slice(0, 2) as [string, string]),
  );
  const domain = listed
    .parse(JSON.parse(list))
    .find(({ config }) => config.c_info.name === guest.name);
  if (!domain) throw new Error(`${agent.host}: \`xl list -l\` does not tell of ${guest.name}`);
  const { c_info: created, b_info: built, nics = [] } = domain.config;
  return {
    platform: "xen-pvh",
    routing: guest.routing,
    xen: told.xen_version ?? null,
    xenCapabilities: told.virt_caps ?? null,
    xenCommandLine: told.xen_commandline ?? null,
    scheduler: told.xen_scheduler ?? null,
    virtualization: created.type,
    memoryMib: built.max_memkb / 1024,
    vcpus: built.max_vcpus ?? null,
    nics: nics.map(({ mac, ifname, bridge }) => ({ mac, device: ifname, bridge })),
    ...settings,
    offloads,
    guest: insideOf(inside),
  };
};
