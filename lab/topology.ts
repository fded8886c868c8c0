/** The paper's Fig. 1 as data: who is plugged into which segment, with which addresses and MACs. */
import {
  hostNames,
  segmentNames,
  type HostName,
  type HostNic,
  type LinkName,
  type SegmentName,
} from "../model/testbed.ts";
import type { LabFile } from "../model/testbed-file.ts";

export const linkNames: readonly LinkName[] = [...segmentNames, "migration"];

const hex = (number: number) => number.toString(16).padStart(2, "0");
/** Locally administered (the 02 of its first byte) and the same in every lab: labs share no wire. */
const mac = (kind: number, index: number, segment: number) =>
  `02:4c:48:${hex(kind)}:${hex(index)}:${hex(segment)}`;
const segmentNumber = (segment: SegmentName) => segmentNames.indexOf(segment) + 1;
/** 198.18.0.0/15 is reserved for benchmarks (RFC 2544, appendix C.2.2). */
const segmentAddress = (segment: SegmentName, last: number) =>
  `198.18.${segmentNumber(segment)}.${last}/24`;
/** All segments; the migration link, 198.19.0.0/24, stays outside. */
export const segmentsNetwork = "198.18.0.0/16";

const segmentOfEnd = { A: "a", B: "b", C: "c", D: "d" } as const;
export type EndName = keyof typeof segmentOfEnd;
export const isEnd = (host: HostName): host is EndName => host in segmentOfEnd;

/** Whether a host is a machine with a kernel of its own: the routers' hosts, where the file says so. */
export const isMachine = (file: Pick<LabFile, "machines">, host: HostName): boolean =>
  file.machines !== undefined && !isEnd(host);

/** The router, whichever platform plays it: one address and one MAC on every segment. */
export const routerNics = segmentNames.map((segment) => ({
  segment,
  mac: mac(0, 0, segmentNumber(segment)),
  address: segmentAddress(segment, 1),
}));

export const withoutPrefix = (address: string): string => address.replace(/\/.*$/, "");

/** NICs of a host. An end has one NIC on its own segment; a router's host has one per segment, bound to its own bridge, and the migration NIC. */
export const nicsOf = (host: HostName): readonly HostNic[] => {
  const index = hostNames.indexOf(host) + 1;
  if (isEnd(host)) {
    const link = segmentOfEnd[host];
    return [
      {
        link,
        device: "eth0",
        mac: mac(1, index, segmentNumber(link)),
        address: segmentAddress(link, 10),
        bridge: null,
      },
    ];
  }
  return [
    ...segmentNames.map((link) => ({
      link,
      device: `eth-${link}`,
      mac: mac(1, index, segmentNumber(link)),
      address: null,
      bridge: `br-${link}`,
    })),
    {
      link: "migration" as const,
      device: "eth-m",
      mac: mac(1, index, 0xff),
      address: host === "R1" ? "198.19.0.1/24" : "198.19.0.2/24",
      bridge: null,
    },
  ];
};

export const shortLink = (link: LinkName) => (link === "migration" ? "m" : link);
/** In a machine's namespaces: the bridge between a cable and the machine's TAP. */
export const plugOf = (link: LinkName): string => `plug-${shortLink(link)}`;
/** Of a machine's NIC on its control link, which carries nothing else. */
export const controlMac = (host: HostName): string => mac(2, hostNames.indexOf(host) + 1, 0);
/** The bridge among the wires that is the segment itself. */
export const wireOf = (link: LinkName): string => `wire-${shortLink(link)}`;
/** The end of a host's cable in the wires' namespace. */
export const portOf = (host: HostName, link: LinkName): string => `${host}-${shortLink(link)}`;
