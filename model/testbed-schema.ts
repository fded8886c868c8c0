/** The testbed file: the embedded lab in a few keys, or a physical testbed host by host. */
import { z } from "zod";
import { decimal, flag, keys, list, name, oneOf, text, wholeNumber } from "./keys.ts";
import { bootProfiles, type TestbedFile } from "./testbed-file.ts";
import { hostNames, segmentNames } from "./testbed.ts";
import { wiringMistakes } from "./testbed-wiring.ts";
import { maxFrameSizeBytes, minFrameSizeBytes } from "./units.ts";
import { parseYaml } from "./yaml-file.ts";

const mbps = () => decimal(0.1, 1e6, "Mbit/s on layer 1");
const macAddress = () =>
  text(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/, "a MAC address in lower case, such as 02:00:00:00:00:0a");
const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const ipWithPrefix = () =>
  text(
    new RegExp(`^${octet}(\\.${octet}){3}/([1-9]|[12]\\d|30)$`),
    "an IPv4 address with prefix length, such as 198.18.1.2/24",
  );
const device = () =>
  text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,14}$/, "the name of a network device, at most 15 characters");
const absolutePath = () => text(/^\/[^\0\n]+$/, "an absolute path");
const commandWord = () => text(/^[^\0]+$/, "a word of a command");
const command = () =>
  z
    .array(commandWord(), { error: "a command as a list of words" })
    .min(1, { error: "a command as a list of words" });

const shared = {
  name: name("a name").describe("Name of the testbed; campaigns and results are kept by it."),
  lineRateMbpsL1: mbps().describe("Layer-1 rate of every measured segment."),
  migrationRateMbpsL1: mbps().describe("Layer-1 rate of the migration link."),
  platforms: list(
    text(/^[a-z0-9][a-z0-9-]*$/, "the name of a platform, such as kvm-virtio"),
    "platforms",
  ).describe("Platforms that this testbed offers."),
  generator: oneOf(["tcpreplay"]).default("tcpreplay").describe("What makes the load."),
};

const labSchema = keys({
  kind: z.literal("lab"),
  ...shared,
  guestImage: name("the name of a guest image")
    .default("router")
    .describe("Name that campaigns use for the guest image that the lab builds."),
  accelerator: oneOf(["prove", "kvm", "tcg"])
    .default("prove")
    .describe("QEMU's accelerator; `prove`: kvm if the guest image boots with it, tcg otherwise."),
  calibratedFrameSizesBytes: list(
    wholeNumber(minFrameSizeBytes, maxFrameSizeBytes, "bytes, FCS included,"),
    "frame sizes",
  )
    .default([64, 1518])
    .describe("Frame sizes with which the generator is calibrated when the lab comes up."),
  machines: keys({
    bootProfile: oneOf(bootProfiles)
      .default("linux")
      .describe("What they boot when the lab comes up: linux, or xen with Linux as dom0."),
  })
    .optional()
    .describe(
      "R1 and R2 as emulated machines with kernels of their own; left out: namespaces of this machine.",
    ),
}).meta({
  title: "Embedded lab",
  description: "Hosts, wires and guests are made on this machine.",
});

const login = {
  user: text(/^[a-z_][a-z0-9_-]*\$?$/, "the name of a user")
    .default("root")
    .describe("User of the SSH login."),
  identityFile: absolutePath().describe("Private key, on the machine where the worker runs."),
  hostKeySha256: text(
    /^SHA256:[A-Za-z0-9+/]{43}$/,
    "a host key's SHA-256 fingerprint as `ssh-keygen -lf` prints it: SHA256: and 43 characters",
  ).describe("Fingerprint of the host key, as `ssh-keygen -lf` prints it."),
};
const reachSchema = z.discriminatedUnion(
  "kind",
  [
    keys({
      kind: z.literal("ssh"),
      address: text(/^[A-Za-z0-9:][A-Za-z0-9.:-]*$/, "a host name or an IP address").describe(
        "Address on the control network.",
      ),
      port: wholeNumber(1, 65_535, "a TCP port").default(22),
      ...login,
    }),
    keys({
      kind: z.literal("proxy"),
      command: command().describe(
        "SSH is spoken over this command's standard streams, like OpenSSH's ProxyCommand.",
      ),
      ...login,
    }),
  ],
  { error: "a mapping with kind: ssh or kind: proxy" },
);

const nicSchema = keys({
  link: oneOf([...segmentNames, "migration"]).describe("What the NIC is plugged into."),
  device: device().describe("Name of the network device on the host."),
  mac: macAddress(),
  address: ipWithPrefix()
    .nullable()
    .default(null)
    .describe("null: the NIC carries a guest's traffic only."),
  bridge: device()
    .nullable()
    .default(null)
    .describe("The Linux bridge that the NIC is bound to, on R1 and R2."),
});
const hostSchema = keys({
  reach: reachSchema.describe("How the SSH connection is made."),
  rebootFromInside: flag()
    .default(false)
    .describe("The host may be rebooted by a command on it. Never true of a namespace."),
  ownClock: flag().default(true).describe("The host has a clock of its own."),
  privilege: z
    .array(text(/^[^\s\0]+$/, "a word of a command"), {
      error: "a command's words, such as [sudo, -n]",
    })
    .default([])
    .describe("Put before every privileged command; [] for root."),
  bootProfiles: list(name("a boot profile"), "boot profiles")
    .default(["linux"])
    .describe("Boot profiles that the host can be started in."),
  powerCommand: command()
    .nullable()
    .default(null)
    .describe(
      "Command that takes on, off, cycle or status as its last argument; null: power is not controlled.",
    ),
  ipmi: keys({
    address: text(/^[A-Za-z0-9.:-]+$/, "an address or name of the management controller"),
    user: text(/^[^\s\0-][^\s\0]*$/, "a user of the management controller"),
    passwordFile: absolutePath().describe("File on the controller that holds its password."),
  })
    .nullable()
    .default(null)
    .describe("Power over IPMI 2.0 through ipmitool; used where powerCommand is null."),
  nics: list(nicSchema, "NICs"),
});

const physicalSchema = keys({
  kind: z.literal("physical"),
  ...shared,
  accelerator: oneOf(["kvm", "tcg"])
    .nullable()
    .default("kvm")
    .describe("QEMU's accelerator on R1 and R2; null where no platform needs one."),
  // A socket's path holds 107 bytes (unix(7)); the longest below it is a guest's migration monitor.
  runFolder: text(
    /^\/[^\0\n]{1,60}$/,
    "an absolute path of at most 60 characters, for sockets lie below it",
  )
    .default("/run/longhaul")
    .describe("Folder on every host for agents, units and sockets."),
  images: z
    .record(
      name("the name of a guest image"),
      keys({ kernel: absolutePath(), initramfs: absolutePath() }),
      { error: "a mapping from image names to { kernel, initramfs }" },
    )
    .default({})
    .describe("Guest images on R1 and R2, by name."),
  hosts: keys(
    Object.fromEntries(hostNames.map((host) => [host, hostSchema])) as Record<
      (typeof hostNames)[number],
      typeof hostSchema
    >,
  ).describe("A source, B sink, C and D the RTT pair, R1 and R2 the routers' hosts."),
  router: keys({
    nics: list(
      keys({ segment: oneOf(segmentNames), mac: macAddress(), address: ipWithPrefix() }),
      "NICs",
    ).describe("In the order of the guest's interfaces."),
  }).describe("The router's own NICs: the same on R1 and R2."),
})
  .superRefine((testbed, context) => {
    for (const { path, right } of wiringMistakes(testbed))
      context.addIssue({ code: "custom", path: [...path], message: right });
  })
  .meta({ title: "Physical testbed", description: "Hosts that are there already." });

export const testbedSchema = z
  .discriminatedUnion("kind", [labSchema, physicalSchema], {
    error: "a mapping with kind: lab or kind: physical",
  })
  .meta({
    title: "Longhaul testbed",
    description: "The hosts, wires and platforms that campaigns are measured on.",
  });

/** @throws {UsageError} naming file, line, key, value and what would be right, for every mistake. */
export function parseTestbed(yamlText: string, file: string): TestbedFile {
  const testbed = parseYaml(yamlText, file, testbedSchema);
  if (testbed.kind === "lab") return testbed;
  const { hosts } = testbed;
  const named = <Name extends keyof typeof hosts>(host: Name) => ({ name: host, ...hosts[host] });
  return {
    ...testbed,
    hosts: {
      A: named("A"),
      B: named("B"),
      C: named("C"),
      D: named("D"),
      R1: named("R1"),
      R2: named("R2"),
    },
  };
}
