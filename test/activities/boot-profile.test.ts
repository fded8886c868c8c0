import { expect, test } from "vitest";
import { bootedFor } from "../../activities/boot-profile.ts";
import type { Hypervisor } from "../../hypervisors/hypervisor.ts";

const bench = (profiles: Record<string, string | null>) => {
  const booted: string[] = [];
  const drivers = Object.fromEntries(
    [
      ["bare", "linux"],
      ["xen-pvh", "xen"],
    ].map(([name = "", bootProfile]) => [name, { name, bootProfile } as Hypervisor]),
  );
  const boots = {
    profile: (host: string) => profiles[host] ?? null,
    boot: (host: string, profile: string) => {
      booted.push(`${host} ${profile}`);
      return Promise.resolve();
    },
  };
  return { booted, drivers, boots };
};

test("hosts that boot something else are booted for the platform, one after another", async () => {
  const { booted, ...rest } = bench({ A: null, R1: "xen", R2: "xen" });
  await bootedFor(rest, "bare", ["A", "R1", "R2"]);
  expect(booted).toEqual(["R1 linux", "R2 linux"]);
});

test("a host that boots what the platform needs is left alone", async () => {
  const { booted, ...rest } = bench({ R1: "xen", R2: "linux" });
  await bootedFor(rest, "xen-pvh", ["R1", "R2"]);
  expect(booted).toEqual(["R2 xen"]);
});

test("a host that takes no part is not booted, nor is any where nothing can be chosen", async () => {
  const { booted, drivers, boots } = bench({ R1: "xen", R2: "xen" });
  await bootedFor({ drivers, boots }, "bare", ["R1"]);
  await bootedFor({ drivers }, "bare", ["R1", "R2"]);
  expect(booted).toEqual(["R1 linux"]);
});
