import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RouterFindings } from "../../model/watch.ts";
import { judgeRouter } from "../../stats/lockup-judge.ts";

const healthy: RouterFindings = {
  host: "R1",
  state: "running",
  otherHost: { host: "R2", state: "absent" },
  forwarding: "answers",
  arp: "answers",
  ping: "answers",
  heartbeatS: [10, 11, 12],
  heartbeat: "answers",
  panicked: false,
  guestCommand: "answers",
  vcpu: { spanMs: 3500, ranMs: 200, waitedMs: 100 },
  bootId: { before: "a", after: "a" },
  hosts: [],
  evidence: [],
};
const flat = { spanMs: 3500, ranMs: 0, waitedMs: 0 };
const spinning = { spanMs: 3500, ranMs: 1900, waitedMs: 1590 };

describe("a router that fell silent", () => {
  test.each<[string, Partial<RouterFindings>, string]>([
    ["all is well", {}, "running"],
    ["only ping is silent", { ping: "silent" }, "running"],
    ["only forwarding is silent", { forwarding: "silent" }, "running"],
    ["ping and forwarding are silent", { ping: "silent", forwarding: "silent" }, "running"],
    ["forwarding and ARP are silent", { forwarding: "silent", arp: "silent" }, "locked-up"],
    [
      "it answers ping, forwards nothing and counts so itself",
      { forwarding: "silent", guestCommand: "forwards-nothing" },
      "locked-up",
    ],
    ["its CPU is frozen", { forwarding: "silent", vcpu: flat }, "locked-up"],
    [
      "its CPU spins, though the host's is shared",
      { forwarding: "silent", vcpu: spinning },
      "locked-up",
    ],
    [
      "both its CPUs are half busy",
      {
        forwarding: "silent",
        vcpu: { spanMs: 3500, ranMs: 2400, waitedMs: 1200, busiestMs: 1800 },
      },
      "running",
    ],
    [
      "one of its two CPUs spins",
      {
        forwarding: "silent",
        vcpu: { spanMs: 3500, ranMs: 2400, waitedMs: 1200, busiestMs: 3450 },
      },
      "locked-up",
    ],
    [
      "it forwards although nothing else answers",
      { arp: "silent", heartbeat: "silent", guestCommand: "silent" },
      "running",
    ],
    ["another boot of it answers", { bootId: { before: "a", after: "b" } }, "silently-rebooted"],
    [
      "its uptime fell and it is silent",
      { heartbeatS: [50, 51, 3, 4], forwarding: "silent", arp: "silent" },
      "silently-rebooted",
    ],
    ["its process is gone", { state: "stopped", forwarding: "silent", vcpu: null }, "crashed"],
    [
      "its kernel panicked and QEMU runs on",
      { panicked: true, forwarding: "silent", vcpu: flat },
      "crashed",
    ],
    [
      "its host does not tell",
      { state: null, forwarding: "silent", heartbeat: null, guestCommand: null, vcpu: null },
      "running",
    ],
  ])("when %s", (_what, findings, verdict) => {
    expect(judgeRouter({ ...healthy, ...findings }).verdict).toBe(verdict);
  });

  const answer = fc.constantFrom("answers" as const, "silent" as const, null);
  const findings = fc.record({
    forwarding: answer,
    arp: answer,
    heartbeat: answer,
    guestCommand: fc.constantFrom(
      "answers" as const,
      "silent" as const,
      "forwards-nothing" as const,
      null,
    ),
    vcpu: fc.constantFrom(flat, spinning, healthy.vcpu, null),
  });

  test("no lockup without two different kinds of probe against it, and none that forwards", () => {
    fc.assert(
      fc.property(findings, (found) => {
        const { verdict, contradictions } = judgeRouter({ ...healthy, ...found });
        expect(verdict === "locked-up").toBe(
          contradictions.length >= 2 && found.forwarding !== "answers",
        );
      }),
    );
  });

  test("ping changes nothing, whatever the others say", () => {
    fc.assert(
      fc.property(findings, answer, (found, ping) => {
        expect(judgeRouter({ ...healthy, ...found, ping })).toEqual(
          judgeRouter({ ...healthy, ...found }),
        );
      }),
    );
  });
});
