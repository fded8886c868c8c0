/** What a host really runs with, read back for the provenance of a trial. */
import type { Agent } from "../remote/agent.ts";
import { read } from "./acts.ts";

interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly address: string;
  readonly master?: string;
  readonly txqlen?: number;
  readonly qdisc?: string;
  readonly linkinfo?: { readonly info_kind?: string };
}

/** Kernel and, of each device: MTU, MAC, bridge, queue. */
export const describeHost = async (
  agent: Agent,
  devices: readonly string[],
): Promise<Readonly<Record<string, unknown>>> => {
  const [links, files] = await Promise.all([
    read(agent, ["ip", "-j", "-d", "link", "show"]),
    agent.readFiles(["/proc/sys/kernel/osrelease"]),
  ]);
  const shown = (JSON.parse(links) as readonly Link[]).filter(({ ifname }) =>
    devices.includes(ifname),
  );
  return {
    hostKernel: files["/proc/sys/kernel/osrelease"]?.trim() ?? null,
    devices: Object.fromEntries(
      shown.map((link) => [
        link.ifname,
        {
          kind: link.linkinfo?.info_kind ?? "nic",
          mtuBytes: link.mtu,
          mac: link.address,
          bridge: link.master ?? null,
          queueFrames: link.txqlen ?? null,
          qdisc: link.qdisc ?? null,
        },
      ]),
    ),
  };
};

/** linux/ethtool.h, by the names that ethtool(8) prints. ethtool itself may not be installed. */
const offloadSource = `
import ctypes, fcntl, json, socket, struct, sys
commands = {"rx-checksum": 0x14, "tx-checksum": 0x16, "tcp-segmentation-offload": 0x1e,
            "generic-segmentation-offload": 0x23, "generic-receive-offload": 0x2b}
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
found = {}
for device in sys.argv[1:]:
    found[device] = {}
    for name, command in commands.items():
        data = ctypes.create_string_buffer(struct.pack("=II", command, 0))
        try:
            fcntl.ioctl(sock, 0x8946, struct.pack("16sP", device.encode(), ctypes.addressof(data)))
            found[device][name] = struct.unpack("=II", data.raw[:8])[1] != 0
        except OSError:
            found[device][name] = None
print(json.dumps(found))
`;

/** By device and offload; null where the driver does not tell. */
export const offloadsOf = async (agent: Agent, devices: readonly string[]): Promise<unknown> =>
  JSON.parse(
    await read(agent, ["python3", "-I", "-S", "-c", offloadSource, ...devices]),
  ) as unknown;
