/** Xen 4.17 by `xl`: a router in a PVH guest, each interface a netback vif on a bridge. */
import type { GuestSpec } from "../model/guest.ts";
import type { LedgerPath } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Agent, Fence, Hosts } from "../remote/agent.ts";
import { act } from "./acts.ts";
import type {
  CommandsGuest,
  HasConsole,
  Hypervisor,
  Migrates,
  Pauses,
  Watchable,
} from "./hypervisor.ts";
import { nicOn, vifOf } from "./wiring.ts";
import { xenFiles, xlConfig } from "./xen-config.ts";
import { askXenGuest, consoleText } from "./xen-console.ts";
import { describeXen } from "./xen-describe.ts";
import { xenMigration } from "./xen-migration.ts";
import { createDomain, destroyDomain, domainState, putGuestFiles } from "./xen-process.ts";
import { xenWatch } from "./xen-watch.ts";

const knownRouting = ["kernel"];
/** A guest of an emulated host on a machine that was five times overloaded took 128 s. */
const bootDeadlineMs = 300_000;
const bootPollMs = 200;

export type XenHypervisor = Hypervisor & Migrates & CommandsGuest & HasConsole & Pauses & Watchable;

export const xen = (testbed: Testbed, hosts: Hosts): XenHypervisor => {
  const { runFolder } = testbed;

  const configOf = (guest: GuestSpec): string => {
    const image = testbed.images[guest.image];
    if (!image)
      throw new UsageError(
        `testbed ${testbed.name}: unknown guest image ${guest.image}; known: ${Object.keys(testbed.images).join(", ") || "none"}`,
      );
    if (!knownRouting.includes(guest.routing))
      throw new UsageError(
        `xen-pvh: unknown routing ${guest.routing}; known: ${knownRouting.join(", ")}`,
      );
    return xlConfig(guest, image, xenFiles(runFolder, guest.name));
  };
  const vifs = (guest: GuestSpec) => guest.nics.map(vifOf);

  const matches = async (agent: Agent, guest: GuestSpec): Promise<boolean> => {
    const { config } = xenFiles(runFolder, guest.name);
    const { [config]: text } = await agent.readFiles([config]);
    return text === configOf(guest);
  };

  const switchTo = async (
    fence: Fence,
    host: string,
    guest: GuestSpec,
    verb: "pause" | "unpause",
  ): Promise<void> => {
    const agent = await hosts.agent(host);
    const before = await domainState(agent, runFolder, guest);
    const wanted = verb === "pause" ? "paused" : "running";
    if (before === wanted) return;
    if (before !== "running" && before !== "paused")
      throw new Error(`${host}: ${guest.name} is ${before} and cannot become ${wanted}`);
    await act(agent, fence, ["xl", verb, guest.name]);
  };

  return {
    name: "xen-pvh",
    bootProfile: "xen",
    capabilities: {
      liveMigration: true,
      progress: true,
      pause: true,
      console: true,
      guestCommand: true,
      stoppingPolicy:
        "Xen stops iterating when fewer than 50 pages are left to send, or after five passes",
    },

    create: async (fence, host, guest) => {
      const config = configOf(guest);
      const agent = await hosts.agent(host);
      const state = await domainState(agent, runFolder, guest);
      if (state === "running" && (await matches(agent, guest))) return;
      if (state !== "absent" && state !== "stopped")
        throw new Error(`${host}: ${guest.name} is ${state}; destroy it before it is created`);
      await destroyDomain(agent, fence, runFolder, guest, vifs(guest));
      await putGuestFiles(agent, fence, runFolder, guest, config);
      await createDomain(agent, fence, runFolder, guest);
      await untilReady(agent, guest, runFolder);
    },

    matches: async (host, guest) => matches(await hosts.agent(host), guest),

    inspect: async (host, guest) => domainState(await hosts.agent(host), runFolder, guest),

    destroy: async (fence, host, guest) =>
      destroyDomain(await hosts.agent(host), fence, runFolder, guest, vifs(guest)),

    path: (host, guest) => xenPath(testbed, host, guest),

    describe: async (host, guest) => describeXen(await hosts.agent(host), testbed, guest),

    ...xenWatch(testbed, hosts),
    ...xenMigration(testbed, hosts, (order) => configOf(order.guest)),

    inGuest: async (host, guest, argv) => askXenGuest(await hosts.agent(host), guest, argv),

    consoleTail: async (host, guest, lines) => {
      const text = await consoleText(await hosts.agent(host), guest);
      return text.trimEnd().split(/\r?\n/).slice(-lines).join("\n");
    },

    pause: (fence, host, guest) => switchTo(fence, host, guest, "pause"),
    resume: (fence, host, guest) => switchTo(fence, host, guest, "unpause"),
  };
};

/** Waits for the guest's own word that it forwards. @throws {Error} with its console when it ends or takes too long */
const untilReady = async (agent: Agent, guest: GuestSpec, runFolder: string): Promise<void> => {
  const wanted = `ROUTER-READY ${guest.nics.length}`;
  const end = performance.now() + bootDeadlineMs;
  let look = 0;
  for (;;) {
    const text = await consoleText(agent, guest);
    if (text.includes(wanted)) return;
    const failed = (how: string) =>
      new Error(
        `${agent.host}: ${guest.name} ${how} before it said ${wanted}; its console ends with:\n${text.slice(-2000)}`,
      );
    // The console costs a file's reading, the toolstack a process.
    const state = look++ % 10 === 9 ? await domainState(agent, runFolder, guest) : "running";
    if (state !== "running") throw failed(`became ${state}`);
    if (performance.now() > end) throw failed(`took more than ${bootDeadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, bootPollMs));
  }
};

/**
 * From segment a to segment b. Seen from the host, a vif's tx goes into the guest: its tx_dropped are the
 * frames that found netback's queue full (512 KiB) because the guest was too slow.
 */
const xenPath = (testbed: Testbed, host: string, guest: GuestSpec): LedgerPath => {
  const place = (segment: string) => {
    const index = guest.nics.findIndex((nic) => nic.segment === segment);
    const nic = guest.nics[index];
    if (!nic) throw new UsageError(`guest ${guest.name}: no NIC on segment ${segment}`);
    return {
      nic: { host, device: nicOn(testbed, host, segment).device },
      bridge: { host, device: nic.bridge },
      vif: { host, device: vifOf(nic) },
      guest: { host: "guest", device: `eth${index}` },
    };
  };
  const into = place("a");
  const out = place("b");
  return {
    points: [
      { place: "host NIC in", ...into.nic, counter: "rxFrames" },
      { place: "vif into guest", ...into.vif, counter: "txFrames" },
      { place: "guest NIC in", ...into.guest, counter: "rxFrames" },
      { place: "guest NIC out", ...out.guest, counter: "txFrames" },
      { place: "vif out of guest", ...out.vif, counter: "rxFrames" },
      { place: "host NIC out", ...out.nic, counter: "txFrames" },
    ],
    drops: [
      { place: "host NIC in", ...into.nic, counter: "rxDropped" },
      { place: "host NIC in missed", ...into.nic, counter: "rxMissed" },
      { place: "bridge in", ...into.bridge, counter: "rxDropped" },
      { place: "vif into guest queue", ...into.vif, counter: "qdisc" },
      { place: "vif into guest", ...into.vif, counter: "txDropped" },
      { place: "guest NIC in", ...into.guest, counter: "rxDropped" },
      { place: "guest NIC out", ...out.guest, counter: "txDropped" },
      { place: "vif out of guest", ...out.vif, counter: "rxDropped" },
      { place: "bridge out", ...out.bridge, counter: "rxDropped" },
      { place: "host NIC out", ...out.nic, counter: "txDropped" },
      { place: "host NIC out queue", ...out.nic, counter: "qdisc" },
    ],
  };
};
