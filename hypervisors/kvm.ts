/** KVM: a router in a QEMU guest on a TAP per bridge. One driver; the NIC model tells the platforms apart. */
import type { GuestSpec } from "../model/guest.ts";
import type { LedgerPath } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Agent, Fence, Hosts } from "../remote/agent.ts";
import type {
  CommandsGuest,
  HasConsole,
  Hypervisor,
  Migrates,
  Pauses,
  Watchable,
} from "./hypervisor.ts";
import { guestFiles, type GuestStart, type NicModel } from "./kvm-command-line.ts";
import { describeKvm } from "./kvm-describe.ts";
import { kvmMigration } from "./kvm-migration.ts";
import { endQemu, qemuPid, qemuState, runsAs, startQemu } from "./kvm-process.ts";
import { kvmWatch } from "./kvm-watch.ts";
import { askGuest } from "./kvm-serial.ts";
import { qmp } from "./qmp.ts";
import { nicOn, tapOf } from "./wiring.ts";

const knownRouting = ["kernel"];
/** Software emulation on a loaded machine was seen to take 12 s. */
const bootDeadlineMs = 120_000;
const bootPollMs = 50;

export type KvmHypervisor = Hypervisor & Migrates & CommandsGuest & HasConsole & Pauses & Watchable;

export const kvm = (testbed: Testbed, hosts: Hosts, model: NicModel): KvmHypervisor => {
  const { runFolder } = testbed;
  const filesOf = (guest: GuestSpec) => guestFiles(runFolder, guest.name);

  const startOf = (guest: GuestSpec, incoming: string | null): GuestStart => {
    const image = testbed.images[guest.image];
    if (!image)
      throw new UsageError(
        `testbed ${testbed.name}: unknown guest image ${guest.image}; known: ${Object.keys(testbed.images).join(", ") || "none"}`,
      );
    if (!knownRouting.includes(guest.routing))
      throw new UsageError(
        `kvm-${model}: unknown routing ${guest.routing}; known: ${knownRouting.join(", ")}`,
      );
    if (!testbed.accelerator)
      throw new UsageError(`testbed ${testbed.name}: no accelerator for QEMU is known to work`);
    return { model, accelerator: testbed.accelerator, image, runFolder, incoming };
  };

  const switchTo = async (
    fence: Fence,
    host: string,
    guest: GuestSpec,
    execute: "stop" | "cont",
  ) => {
    const agent = await hosts.agent(host);
    const before = await qemuState(agent, guest, runFolder);
    const wanted = execute === "stop" ? "paused" : "running";
    if (before === wanted) return;
    // `cont` would also wake a source whose guest runs elsewhere by now.
    if (before !== "running" && before !== "paused")
      throw new Error(`${host}: ${guest.name} is ${before} and cannot become ${wanted}`);
    await qmp(agent, fence, filesOf(guest).monitor, [{ execute }]);
  };

  return {
    name: `kvm-${model}`,
    bootProfile: "linux",
    capabilities: {
      liveMigration: true,
      progress: true,
      pause: true,
      console: true,
      guestCommand: true,
      stoppingPolicy:
        "QEMU iterates until what remains can be sent within the downtime limit (300 ms)",
    },

    create: async (fence, host, guest) => {
      const start = startOf(guest, null);
      const agent = await hosts.agent(host);
      const state = await qemuState(agent, guest, runFolder);
      if (state === "running" && (await runsAs(agent, guest, start))) return;
      if (state !== "absent" && state !== "stopped")
        throw new Error(`${host}: ${guest.name} is ${state}; destroy it before it is created`);
      await endQemu(agent, fence, guest, runFolder);
      await startQemu(agent, fence, guest, start);
      await untilReady(agent, guest, runFolder);
    },

    matches: async (host, guest) => runsAs(await hosts.agent(host), guest, startOf(guest, null)),

    inspect: async (host, guest) => qemuState(await hosts.agent(host), guest, runFolder),

    destroy: async (fence, host, guest) =>
      endQemu(await hosts.agent(host), fence, guest, runFolder),

    path: (host, guest) => kvmPath(testbed, host, guest),

    describe: async (host, guest) =>
      describeKvm(await hosts.agent(host), { testbed, host, guest, model }),

    ...kvmWatch(testbed, hosts),
    ...kvmMigration(testbed, hosts, (order, incoming) => startOf(order.guest, incoming)),

    inGuest: async (host, guest, argv) =>
      askGuest(await hosts.agent(host), filesOf(guest).commands, argv),

    consoleTail: async (host, guest, lines) => {
      const { console } = filesOf(guest);
      const { [console]: text } = await (await hosts.agent(host)).readFiles([console]);
      return (text ?? "").trimEnd().split(/\r?\n/).slice(-lines).join("\n");
    },

    pause: (fence, host, guest) => switchTo(fence, host, guest, "stop"),
    resume: (fence, host, guest) => switchTo(fence, host, guest, "cont"),
  };
};

/** Waits for the guest's own word that it forwards. @throws {Error} with its console when it ends or takes too long */
const untilReady = async (agent: Agent, guest: GuestSpec, runFolder: string): Promise<void> => {
  const { console } = guestFiles(runFolder, guest.name);
  const wanted = `ROUTER-READY ${guest.nics.length}`;
  const end = performance.now() + bootDeadlineMs;
  for (;;) {
    const { [console]: text } = await agent.readFiles([console]);
    if (text?.includes(wanted)) return;
    const failed = (how: string) =>
      new Error(
        `${agent.host}: ${guest.name} ${how} before it said ${wanted}; its console ends with:\n${(text ?? "").slice(-2000)}`,
      );
    if ((await qemuPid(agent, guest, runFolder)).pid === null) throw failed("ended");
    if (performance.now() > end) throw failed(`took more than ${bootDeadlineMs} ms`);
    await new Promise((wake) => setTimeout(wake, bootPollMs));
  }
};

/**
 * From segment a to segment b. Seen from the host, a TAP's tx goes into the guest: its tx_dropped are
 * the frames that found the TAP's ring full because the guest was too slow.
 */
const kvmPath = (testbed: Testbed, host: string, guest: GuestSpec): LedgerPath => {
  const place = (segment: string) => {
    const index = guest.nics.findIndex((nic) => nic.segment === segment);
    const nic = guest.nics[index];
    if (!nic) throw new UsageError(`guest ${guest.name}: no NIC on segment ${segment}`);
    return {
      nic: { host, device: nicOn(testbed, host, segment).device },
      bridge: { host, device: nic.bridge },
      tap: { host, device: tapOf(nic) },
      guest: { host: "guest", device: `eth${index}` },
    };
  };
  const into = place("a");
  const out = place("b");
  return {
    points: [
      { place: "host NIC in", ...into.nic, counter: "rxFrames" },
      { place: "TAP into guest", ...into.tap, counter: "txFrames" },
      { place: "guest NIC in", ...into.guest, counter: "rxFrames" },
      { place: "guest NIC out", ...out.guest, counter: "txFrames" },
      { place: "TAP out of guest", ...out.tap, counter: "rxFrames" },
      { place: "host NIC out", ...out.nic, counter: "txFrames" },
    ],
    drops: [
      { place: "host NIC in", ...into.nic, counter: "rxDropped" },
      { place: "host NIC in missed", ...into.nic, counter: "rxMissed" },
      { place: "bridge in", ...into.bridge, counter: "rxDropped" },
      { place: "TAP into guest queue", ...into.tap, counter: "qdisc" },
      { place: "TAP into guest", ...into.tap, counter: "txDropped" },
      { place: "guest NIC in", ...into.guest, counter: "rxDropped" },
      { place: "guest NIC out", ...out.guest, counter: "txDropped" },
      { place: "TAP out of guest", ...out.tap, counter: "rxDropped" },
      { place: "bridge out", ...out.bridge, counter: "rxDropped" },
      { place: "host NIC out", ...out.nic, counter: "txDropped" },
      { place: "host NIC out queue", ...out.nic, counter: "qdisc" },
    ],
  };
};
