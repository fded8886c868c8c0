/** The measured flow A→B and the side flow C→D, from what the testbed says of addresses and MACs. */
import type { Stream } from "../generators/generator.ts";
import type { ReceivingEnd } from "../generators/receiver.ts";
import type { HostName, HostNic, SegmentName, Testbed } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";

/** The discard port (RFC 863), as in RFC 2544's test frames (appendix C.2.6.4 uses echo, 7). */
const udpPort = 9;

export const ends = ["A", "B", "C", "D"] as const;
export type End = (typeof ends)[number];

export const segmentOf: Readonly<Record<End, SegmentName>> = {
  A: "a",
  B: "b",
  C: "c",
  D: "d",
};

/** @throws {UsageError} the testbed has no such NIC. */
export function nicOn(testbed: Testbed, host: HostName, link: HostNic["link"]): HostNic {
  const nic = testbed.hosts[host].nics.find((one) => one.link === link);
  if (nic === undefined)
    throw new UsageError(`testbed ${testbed.name}: host ${host} has no NIC on ${link}`);
  return nic;
}

export const endNic = (testbed: Testbed, host: End): HostNic =>
  nicOn(testbed, host, segmentOf[host]);

/** Where the measured flow arrives. */
export const receivingEnd = (testbed: Testbed): ReceivingEnd => ({
  host: "B",
  device: endNic(testbed, "B").device,
});

/** The IP address of an end, without prefix length. */
export function endAddress(testbed: Testbed, host: End): string {
  const { address } = endNic(testbed, host);
  if (address === null)
    throw new UsageError(`testbed ${testbed.name}: host ${host} has no address on its segment`);
  return address.replace(/\/.*/, "");
}

/** A→B through the router: sent to the router's MAC on segment a. */
export function routedStream(
  testbed: Testbed,
  load: Pick<Stream, "tag" | "frameSizeBytes" | "fps" | "durationMs" | "heldMs">,
): Stream {
  const source = endNic(testbed, "A");
  const router = testbed.router.nics.find((nic) => nic.segment === "a");
  if (router === undefined)
    throw new UsageError(`testbed ${testbed.name}: the router has no NIC on segment a`);
  return {
    ...load,
    source: "A",
    device: source.device,
    sourceMac: source.mac,
    destinationMac: router.mac,
    sourceIp: endAddress(testbed, "A"),
    destinationIp: endAddress(testbed, "B"),
    udpPort,
  };
}
