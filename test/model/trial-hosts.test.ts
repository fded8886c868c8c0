import { describe, expect, test } from "vitest";
import { hostsNeeded, hostsTakingPart, inTheWay } from "../../model/trial-hosts.ts";

const forwarding = { kind: "forwarding", fault: null } as const;
const migration = { kind: "migration", fault: null } as const;
const R2 = { host: "R2", isolated: true };

describe("hosts that a trial needs", () => {
  test("forwarding needs the four ends and R1, a migration R2 as well", () => {
    expect(hostsNeeded(forwarding)).toEqual(["A", "B", "C", "D", "R1"]);
    expect(hostsNeeded(migration)).toEqual(["A", "B", "C", "D", "R1", "R2"]);
  });

  test("a fault that falls on a host makes the trial need it", () => {
    expect(hostsNeeded({ kind: "forwarding", fault: "R2" })).toContain("R2");
    expect(hostsNeeded({ kind: "forwarding", fault: "source" })).not.toContain("R2");
  });
});

describe("hosts in quarantine", () => {
  test("R2 keeps migrations waiting and forwarding not, once it is proven to carry no router", () => {
    expect(inTheWay(forwarding, [R2])).toEqual([]);
    expect(inTheWay(migration, [R2])).toEqual([R2]);
  });

  test("a router's host that may still run a copy keeps everything waiting", () => {
    const unproven = { host: "R2", isolated: false };
    expect(inTheWay(forwarding, [unproven])).toEqual([unproven]);
    expect(inTheWay(forwarding, [{ host: "R2" }])).toEqual([{ host: "R2" }]);
  });

  test.each(["A", "B", "C", "D", "R1"])("nothing is measured without %s", (host) => {
    const away = [{ host, isolated: true }];
    expect(inTheWay(forwarding, away)).toEqual(away);
    expect(inTheWay(migration, away)).toEqual(away);
  });

  test("they take no part where the trial can do without them", () => {
    expect(hostsTakingPart(forwarding, [R2])).toEqual(["A", "B", "C", "D", "R1"]);
    expect(hostsTakingPart(forwarding, [])).toEqual(["A", "B", "C", "D", "R1", "R2"]);
    expect(hostsTakingPart(migration, [R2])).toContain("R2");
  });
});
