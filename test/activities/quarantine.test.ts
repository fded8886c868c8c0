import { describe, expect, test } from "vitest";
import type { Power } from "../../power/power.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { QuarantineRow } from "../../store/recoveries.ts";
import { scriptedRungs } from "./scripted-rungs.ts";
import type { RungScript } from "./scripted-rungs.ts";

/** Gives one host up, which does not answer unless `answers`. @returns what is stored of it, and the power's orders. */
async function givenUp(
  host: string,
  power: Partial<Power>,
  script: RungScript = {},
  answers = false,
) {
  const stored: QuarantineRow[] = [];
  const off: string[] = [];
  const { climb, journal } = scriptedRungs({
    ...script,
    agent: (name, agent) => {
      if (name === host && !answers) throw new NoExitStatus(`${name}: no answer`);
      return agent;
    },
    power: { state: async () => "off", off: async (name) => void off.push(name), ...power },
    store: { putQuarantine: async (_testbed, row) => void stored.push(row) },
  });
  const { words, report } = await climb("quarantineHosts", "quarantine", [host]);
  return { row: stored.at(-1), rows: stored, words, report, off, journal };
}

describe("a host that is given up", () => {
  test("is isolated by its own word where it answers: its routers are destroyed and looked for", async () => {
    const { row, off, journal } = await givenUp(
      "R2",
      {},
      { routers: { "kvm@R2": "running" } },
      true,
    );
    expect(row).toMatchObject({ host: "R2", isolated: true });
    expect(row?.reason).toContain("it says itself that no router is left on it");
    expect(journal).toContain("destroy kvm@R2");
    expect(off).toEqual([]);
  });

  test("is switched off where it does not answer, and that is read back", async () => {
    const { row, off } = await givenUp("R2", {});
    expect(off).toEqual(["R2"]);
    expect(row).toMatchObject({ isolated: true });
  });

  test.each<[string, Partial<Power>]>([
    ["still reads on", { state: async () => "on" }],
    [
      "cannot be switched off (no such controller)",
      {
        off: () => Promise.reject(new Error("no such controller")),
      },
    ],
  ])("is not isolated when its power %s", async (words, power) => {
    const { row } = await givenUp("R2", power);
    expect(row).toMatchObject({ isolated: false });
    expect(row?.reason).toContain(`its power ${words}`);
    expect(row?.reason).toContain("a router may run on it");
  });

  test("that carries no router needs no isolation", async () => {
    const { row, off } = await givenUp("A", {});
    expect(row).toMatchObject({ host: "A", isolated: true });
    expect(off).toEqual([]);
  });
});
