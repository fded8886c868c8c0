/** Faults of a link, made among the wires: no host notices but by its traffic. */
import { hostNames } from "../../model/testbed.ts";
import { inside } from "../namespace-host.ts";
import { wires } from "../records.ts";
import { nicsOf, portOf, wireOf } from "../topology.ts";
import { liveHost, nothingMore, type Fault, type Undo } from "./fault.ts";

const portsOf = (link: ReturnType<typeof linkOf>) =>
  hostNames.flatMap((host) =>
    nicsOf(host).some((nic) => nic.link === link) ? [portOf(host, link)] : [],
  );
const linkOf = (order: Parameters<Fault>[0]["order"]) => order.link ?? "migration";

export const linkCut: Fault = ({ lab, order }) => {
  const wiresHost = liveHost(lab, wires);
  const wire = wireOf(linkOf(order));
  return Promise.resolve({
    host: null,
    detail: `${wire} is down`,
    undo: [{ kind: "wires", argv: ["ip", "link", "set", wire, "up"] }],
    make: async () => {
      await inside(wiresHost, ["net"], ["ip", "link", "set", wire, "down"]);
      return nothingMore();
    },
  });
};

const defaultMbps = 5;

export const linkSlow: Fault = ({ lab, order }) => {
  const wiresHost = liveHost(lab, wires);
  const mbps = order.mbps ?? defaultMbps;
  const ports = portsOf(linkOf(order));
  const bit = Math.round(mbps * 1e6);
  // Ten milliseconds of tokens, yet never less than a frame; a tenth of a second of queue.
  const burst = Math.max(2000, Math.round(bit / 800));
  const limit = Math.max(20_000, Math.round(bit / 80));
  const undo: readonly Undo[] = ports.map((port) => ({
    kind: "wires",
    argv: ["sh", "-c", `tc qdisc del dev ${port} root 2>/dev/null || true`],
  }));
  return Promise.resolve({
    host: null,
    detail: `${ports.join(" and ")} pass ${mbps} Mbit/s each`,
    undo,
    make: async () => {
      for (const port of ports)
        await inside(
          wiresHost,
          ["net"],
          [
            ...["tc", "qdisc", "replace", "dev", port, "root", "tbf"],
            ...["rate", `${bit}bit`, "burst", String(burst), "limit", String(limit)],
          ],
        );
      return nothingMore();
    },
  });
};

const defaultLossRatio = 0.1;

export const linkLoss: Fault = ({ lab, order }) => {
  const wiresHost = liveHost(lab, wires);
  const ratio = order.lossRatio ?? defaultLossRatio;
  const wire = wireOf(linkOf(order));
  const table = `fault-${wire}`;
  const ports = portsOf(linkOf(order))
    .map((port) => JSON.stringify(port))
    .join(", ");
  // One in ten thousand is the finest share that a campaign file can name.
  const below = Math.round(ratio * 10_000);
  const rules = `table bridge ${table}
delete table bridge ${table}
table bridge ${table} {
  chain arriving {
    type filter hook prerouting priority 0; policy accept;
    iifname { ${ports} } numgen random mod 10000 < ${below} counter drop
  }
}
`;
  return Promise.resolve({
    host: null,
    detail: `${wire} drops ${ratio * 100} % of all frames at random`,
    undo: [
      {
        kind: "wires",
        argv: ["sh", "-c", `nft delete table bridge ${table} 2>/dev/null || true`],
      },
    ],
    make: async () => {
      await inside(wiresHost, ["net"], ["nft", "-f", "-"], rules);
      return nothingMore();
    },
  });
};
