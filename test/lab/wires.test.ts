import { expect, test } from "vitest";
import { hostNames } from "../../model/testbed.ts";
import { nicsOf, routerNics } from "../../lab/topology.ts";
import { cableCommands, nicCommands, rateCommands } from "../../lab/wires.ts";

test("no two NICs of a lab share a MAC, and all are locally administered unicast", () => {
  const macs = [...hostNames.flatMap((name) => nicsOf(name)), ...routerNics].map(({ mac }) => mac);
  expect(new Set(macs).size).toBe(macs.length);
  for (const mac of macs) expect(parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
});

test("a cable's far end is born in the host's namespace, never in the machine's", () => {
  for (const line of cableCommands("R1", { pid: 42 }).filter((one) => one.startsWith("link add")))
    expect(line).toMatch(/^link add R1-\w type veth peer name eth-\w address \S+ netns 42$/);
});

test("an end knows the router without ARP; a router's host knows nobody and has no address on a segment", () => {
  expect(nicCommands("B")).toContain(
    "neighbour replace 198.18.2.1 lladdr 02:4c:48:00:00:02 nud permanent dev eth0",
  );
  expect(nicCommands("R1").filter((line) => line.startsWith("neighbour"))).toEqual([]);
  expect(nicCommands("R1").filter((line) => line.startsWith("address"))).toEqual([
    "address add 198.19.0.1/24 dev eth-m",
  ]);
});

test("measured links and the migration link have rates of their own, in layer-1 terms", () => {
  const lines = rateCommands("R2", { lineRateMbpsL1: 400, migrationRateMbpsL1: 1000 });
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe(
    "qdisc add dev eth-a root tbf rate 400000000bit burst 25000 limit 100000 overhead 24 mpu 84",
  );
  expect(lines[4]).toContain("dev eth-m root tbf rate 1000000000bit");
});
