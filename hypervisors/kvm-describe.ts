/** Settings of a guest as QEMU, the host and the guest itself tell them. */
import { z } from "zod";
import type { GuestSpec } from "../model/guest.ts";
import type { Provenance } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Agent } from "../remote/agent.ts";
import { guestQuestions, insideOf } from "./guest-settings.ts";
import { describeHost } from "./host-settings.ts";
import { guestFiles, type NicModel } from "./kvm-command-line.ts";
import { askGuest } from "./kvm-serial.ts";
import { qmp } from "./qmp.ts";
import { nicOn, tapOf } from "./wiring.ts";

const version = z.object({
  qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }),
  package: z.string(),
});
const memory = z.object({ "base-memory": z.number() });
const accelerator = z.object({ enabled: z.boolean() });
const parameters = z.object({ "max-bandwidth": z.number(), "downtime-limit": z.number() });

interface Described {
  readonly testbed: Testbed;
  readonly host: string;
  readonly guest: GuestSpec;
  readonly model: NicModel;
}

export const describeKvm = async (
  agent: Agent,
  { testbed, host, guest, model }: Described,
): Promise<Provenance> => {
  const files = guestFiles(testbed.runFolder, guest.name);
  const devices = guest.nics.flatMap((nic) => [
    nicOn(testbed, host, nic.segment).device,
    tapOf(nic),
    nic.bridge,
  ]);
  const property = (path: string, name: string) => ({
    execute: "qom-get",
    arguments: { path, property: name },
  });
  const [answers, settings, offloads, inside] = await Promise.all([
    qmp(agent, null, files.monitor, [
      { execute: "query-version" },
      { execute: "query-kvm" },
      { execute: "query-memory-size-summary" },
      { execute: "query-cpus-fast" },
      { execute: "query-migrate-parameters" },
      property("/machine", "type"),
      ...guest.nics.flatMap((nic) => [
        property(`/machine/peripheral/nic-${nic.segment}`, "type"),
        property(`/machine/peripheral/nic-${nic.segment}`, "mac"),
      ]),
    ]),
    describeHost(agent, devices),
    agent.offloads(devices),
    askGuest(agent, files.commands, ["sh", "-c", guestQuestions]),
  ]);
  const [qemu, kvm, size, cpus, limits, machine, ...nics] = answers;
  const { qemu: number, package: packaged } = version.parse(qemu);
  const { "max-bandwidth": bandwidth, "downtime-limit": downtime } = parameters.parse(limits);
  return {
    platform: `kvm-${model}`,
    routing: guest.routing,
    qemu: `${number.major}.${number.minor}.${number.micro} ${packaged}`.trim(),
    machine,
    accelerator: accelerator.parse(kvm).enabled ? "kvm" : "tcg",
    memoryMib: memory.parse(size)["base-memory"] / 2 ** 20,
    vcpus: z.array(z.unknown()).parse(cpus).length,
    migrationMaxBytesPerSecond: bandwidth,
    migrationDowntimeLimitMs: downtime,
    nics: guest.nics.map((nic, index) => ({
      segment: nic.segment,
      model: nics[2 * index],
      mac: nics[2 * index + 1],
    })),
    ...settings,
    offloads,
    guest: insideOf(inside),
  };
};
