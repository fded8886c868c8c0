/**
 * Plain Linux forwarding on the host itself, the reference: its NICs leave their bridges and take the
 * router's addresses and MACs. There is no guest, so nothing migrates, pauses, or has a console, and
 * no command runs "in the guest": every counting point is one of the host's own.
 */
import type { GuestSpec } from "../model/guest.ts";
import type { LedgerPath } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Hosts } from "../remote/agent.ts";
import { act, read } from "./acts.ts";
import { describeHost } from "./host-settings.ts";
import type { Hypervisor } from "./hypervisor.ts";
import { endOn, nicOn } from "./wiring.ts";

const forwardingFile = "/proc/sys/net/ipv4/ip_forward";

interface AddressedLink {
  readonly ifname: string;
  readonly address: string;
  readonly flags: readonly string[];
  readonly master?: string;
  readonly addr_info: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

export const bare = (testbed: Testbed, hosts: Hosts): Hypervisor => {
  const nics = (host: string, guest: GuestSpec) =>
    guest.nics.map((nic) => ({ ...nic, host: nicOn(testbed, host, nic.segment) }));

  /** Per NIC: whether it carries the router's address. */
  const look = async (host: string, guest: GuestSpec) => {
    const agent = await hosts.agent(host);
    const [links, files] = await Promise.all([
      read(agent, ["ip", "-j", "address", "show"]).then(
        (text) => JSON.parse(text) as AddressedLink[],
      ),
      agent.readFiles([forwardingFile]),
    ]);
    const addressed = nics(host, guest).map((nic) => {
      const link = links.find(({ ifname }) => ifname === nic.host.device);
      return Boolean(
        link?.flags.includes("UP") &&
        link.address === nic.mac &&
        link.addr_info.some(({ local, prefixlen }) => `${local}/${prefixlen}` === nic.address),
      );
    });
    return { addressed, forwards: files[forwardingFile]?.trim() === "1" };
  };

  const refuseDaemons = (guest: GuestSpec) => {
    if (guest.routing !== "kernel")
      throw new UsageError(`bare: unknown routing ${guest.routing}; known: kernel`);
  };

  const hypervisor: Hypervisor = {
    name: "bare",
    bootProfile: "linux",
    capabilities: {
      liveMigration: false,
      progress: false,
      pause: false,
      console: false,
      guestCommand: false,
      stoppingPolicy: null,
    },

    create: async (fence, host, guest) => {
      refuseDaemons(guest);
      if ((await hypervisor.inspect(host, guest)) === "running") return;
      const lines = nics(host, guest).flatMap(({ mac, address, host: { device } }) => [
        `link set ${device} nomaster`,
        `link set ${device} down`,
        `link set ${device} address ${mac}`,
        `address replace ${address} dev ${device}`,
        `link set ${device} up`,
      ]);
      // Switches learned where the router was before, and everybody knows its MAC: nobody would ask.
      const announcing = nics(host, guest).flatMap(({ segment, host: { device } }) => {
        const neighbour = endOn(testbed, segment);
        return neighbour === null ? [] : [`neighbour replace ${neighbour} dev ${device} use`];
      });
      lines.push(...announcing);
      const agent = await hosts.agent(host);
      const script = `ip -batch - && echo 0 >/proc/sys/net/ipv4/conf/all/send_redirects && echo 1 >${forwardingFile}`;
      await act(agent, fence, ["sh", "-c", script], { stdin: `${lines.join("\n")}\n` });
      if ((await hypervisor.inspect(host, guest)) !== "running")
        throw new Error(
          `${host}: the NICs do not carry the router's addresses after they were set`,
        );
    },

    inspect: async (host, guest) => {
      const { addressed, forwards } = await look(host, guest);
      if (!addressed.includes(true)) return "absent";
      return forwards && !addressed.includes(false) ? "running" : "stopped";
    },

    destroy: async (fence, host, guest) => {
      if ((await hypervisor.inspect(host, guest)) === "absent") return;
      const lines = nics(host, guest).flatMap(({ host: { device, mac, address, bridge } }) => [
        `address flush dev ${device}`,
        `link set ${device} down`,
        `link set ${device} address ${mac}`,
        ...(address ? [`address replace ${address} dev ${device}`] : []),
        ...(bridge ? [`link set ${device} master ${bridge}`] : []),
        `link set ${device} up`,
      ]);
      const agent = await hosts.agent(host);
      const script = `echo 0 >${forwardingFile} && ip -batch -`;
      await act(agent, fence, ["sh", "-c", script], { stdin: `${lines.join("\n")}\n` });
      if ((await hypervisor.inspect(host, guest)) !== "absent")
        throw new Error(`${host}: the NICs still carry the router's addresses`);
    },

    // What it runs with is the host's, but for the NICs' addresses, and those `inspect` compares.
    matches: () => Promise.resolve(true),

    path: (host): LedgerPath => {
      const into = { host, device: nicOn(testbed, host, "a").device };
      const out = { host, device: nicOn(testbed, host, "b").device };
      return {
        points: [
          { place: "host NIC in", ...into, counter: "rxFrames" },
          { place: "host NIC out", ...out, counter: "txFrames" },
        ],
        drops: [
          { place: "host NIC in", ...into, counter: "rxDropped" },
          { place: "host NIC in missed", ...into, counter: "rxMissed" },
          { place: "host NIC out", ...out, counter: "txDropped" },
          { place: "host NIC out queue", ...out, counter: "qdisc" },
        ],
      };
    },

    describe: async (host, guest) => {
      const agent = await hosts.agent(host);
      const devices = nics(host, guest).map((nic) => nic.host.device);
      const [settings, offloads] = await Promise.all([
        describeHost(agent, devices),
        agent.offloads(devices),
      ]);
      return { platform: "bare", routing: "kernel", ...settings, offloads };
    },
  };
  return hypervisor;
};
