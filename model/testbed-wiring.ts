/** What must hold between the keys of a physical testbed: the wiring of the paper's Fig. 1. */
import type { HostName, HostNic, LinkName, SegmentName } from "./testbed.ts";
import { segmentNames } from "./testbed.ts";

export interface WiringMistake {
  readonly path: readonly (string | number)[];
  readonly right: string;
}

interface Wiring {
  readonly hosts: Readonly<Record<HostName, { readonly nics: readonly HostNic[] }>>;
  readonly router: {
    readonly nics: readonly {
      readonly segment: SegmentName;
      readonly mac: string;
      readonly address: string;
    }[];
  };
}

const ends = { A: "a", B: "b", C: "c", D: "d" } as const;

export function wiringMistakes({ hosts, router }: Wiring): readonly WiringMistake[] {
  const found: WiringMistake[] = [];
  const plugged = (host: HostName, link: LinkName, needs: readonly ("address" | "bridge")[]) => {
    const at = ["hosts", host, "nics"];
    const index = hosts[host].nics.findIndex((nic) => nic.link === link);
    const nic = hosts[host].nics[index];
    if (!nic) found.push({ path: at, right: `a NIC with link: ${link}` });
    else if (hosts[host].nics.filter((other) => other.link === link).length > 1)
      found.push({ path: at, right: `one NIC with link: ${link}, not more` });
    else
      for (const key of needs)
        if (nic[key] === null)
          found.push({ path: [...at, index, key], right: `${article(key)} for link ${link}` });
  };
  for (const [host, segment] of Object.entries(ends) as [keyof typeof ends, SegmentName][])
    plugged(host, segment, ["address"]);
  for (const host of ["R1", "R2"] as const) {
    for (const segment of segmentNames) plugged(host, segment, ["bridge"]);
    plugged(host, "migration", ["address"]);
  }
  for (const segment of segmentNames)
    if (router.nics.filter((nic) => nic.segment === segment).length !== 1)
      found.push({ path: ["router", "nics"], right: `exactly one NIC with segment: ${segment}` });
  return [...found, ...sharedMacs({ hosts, router }), ...foreignSubnets({ hosts, router })];
}

const article = (key: "address" | "bridge") => (key === "address" ? "an address" : "a bridge");

function sharedMacs({ hosts, router }: Wiring): readonly WiringMistake[] {
  const seen = new Map<string, string>();
  const found: WiringMistake[] = [];
  const look = (mac: string, path: (string | number)[]) => {
    const holder = seen.get(mac);
    if (holder) found.push({ path, right: `a MAC address of its own, not that of ${holder}` });
    else seen.set(mac, path.slice(0, 2).join(" "));
  };
  for (const [host, { nics }] of Object.entries(hosts))
    nics.forEach(({ mac }, index) => look(mac, ["hosts", host, "nics", index, "mac"]));
  router.nics.forEach(({ mac }, index) => look(mac, ["router", "nics", index, "mac"]));
  return found;
}

/** Every end must share its segment's subnet with the router, or no frame finds its way. */
function foreignSubnets({ hosts, router }: Wiring): readonly WiringMistake[] {
  return (Object.entries(ends) as [keyof typeof ends, SegmentName][]).flatMap(([host, segment]) => {
    const routerIndex = router.nics.findIndex((nic) => nic.segment === segment);
    const there = router.nics[routerIndex]?.address;
    const here = hosts[host].nics.find((nic) => nic.link === segment)?.address;
    if (there === undefined || here === undefined || here === null) return [];
    if (subnet(there) === subnet(here)) return [];
    return [
      {
        path: ["router", "nics", routerIndex, "address"],
        right: `an address in the subnet of ${host} (${here})`,
      },
    ];
  });
}

function subnet(address: string): string {
  const [ip = "", prefix = "0"] = address.split("/");
  const bits = ip.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(prefix));
  return `${Math.floor(bits / size)}/${prefix}`;
}
