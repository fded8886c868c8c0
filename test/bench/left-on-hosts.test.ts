import { expect, test } from "vitest";
import { foreignQdiscs } from "../../bench/left-on-hosts.ts";

test("a shaper among the wires, or on a TAP, is foreign; a host's own line rate and the kernel's defaults are not", () => {
  const usual = [
    "qdisc noqueue 0: dev lo root refcnt 2 ",
    "qdisc tbf 8001: dev eth-a root refcnt 2 rate 1Gbit burst 62500b lat 2ms ",
    "qdisc fq_codel 0: dev tap-a root refcnt 2 limit 10240p",
  ];
  expect(foreignQdiscs("R1", usual)).toEqual([]);
  const slowed = "qdisc tbf 8003: dev R1-m root refcnt 2 rate 5Mbit burst 6250b lat 100ms ";
  expect(foreignQdiscs("wires", ["qdisc noqueue 0: dev wire-m root", slowed])).toEqual([slowed]);
  expect(foreignQdiscs("R1", [slowed.replace("R1-m", "tap-a")])).toHaveLength(1);
  expect(foreignQdiscs("R1", ["qdisc netem 8004: dev eth-a root delay 10ms"])).toHaveLength(1);
});
