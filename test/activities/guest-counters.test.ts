import { expect, test } from "vitest";
import { parseGuestCounters } from "../../activities/guest-counters.ts";

const text = `==> /proc/uptime <==
12.50 9.00

==> /proc/net/dev <==
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  eth0:  6000     100    1    2    0     0          0         0       60       1    3    4    0     0       0          0

==> /proc/net/softnet_stat <==
00000064 00000005 00000002 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000

==> /proc/net/snmp <==
Ip: Forwarding DefaultTTL InReceives ForwDatagrams InDiscards A B C D E F G
Ip: 1 64 100 99 1 0 0 0 0 0 0 0
`;

test("the guest's counters come from its kernel's text, its Ip lines being no interface", () => {
  expect(parseGuestCounters(text.replaceAll("\n", "\r\n"))).toMatchObject({
    host: "guest",
    atUs: 12_500_000,
    interfaces: {
      lo: { rxFrames: 0 },
      eth0: { rxFrames: 100, rxErrors: 1, rxDropped: 2, txFrames: 1, txErrors: 3, txDropped: 4 },
    },
    softnet: [{ cpu: 0, dropped: 5, timeSqueeze: 2 }],
    ip: { ForwDatagrams: 99, InDiscards: 1 },
  });
});

test("a guest that answers something else is told, with what it said", () => {
  expect(() => parseGuestCounters("sh: not found")).toThrow(/cannot be read: "sh: not found"/);
});
