import { describe, expect, test } from "vitest";
import type { Power } from "../../power/power.ts";
import { Fenced, NoExitStatus } from "../../remote/shell.ts";
import type { QuarantineRow } from "../../store/recoveries.ts";
import { agentWith, scriptedRungs } from "./scripted-rungs.ts";
import type { RungScript } from "./scripted-rungs.ts";

/** Refuses what is ordered for the boot before. */
const refuses = () => Promise.reject(new Fenced("it was booted meanwhile"));

/** Gives one host up, which does not answer unless `answers`. @returns what is stored of it, and the power's orders. */
async function givenUp(
  host: string,
  power: Partial<Power>,
  { fenced = [], ...script }: RungScript & { readonly fenced?: readonly string[] } = {},
  answers = false,
) {
  const stored: QuarantineRow[] = [];
  const off: string[] = [];
  const { climb, journal } = scriptedRungs({
    ...script,
    agent: (name, agent) => {
      if (name === host && !answers) throw new NoExitStatus(`${name}: no answer`);
      return fenced.includes(name) ? agentWith(agent, { raise: refuses }) : agent;
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

  test("is given up before it is isolated, and stays so whatever the isolation comes to", async () => {
    const { rows, report } = await givenUp(
      "R2",
      {},
      {
        powerCycles: [{ host: "R2", cycles: 6 }],
        fenced: ["R2"],
      },
      true,
    );
    expect(report.status).toBe("verified");
    expect(rows.map(({ isolated }) => isolated)).toEqual([false, true]);
    expect(rows[0]?.reason).toContain("whether a router is left on it is not known");
    expect(rows[1]?.reason).toContain("R2 was power-cycled 6 times within 24 h");
    expect(rows[1]?.reason).toContain("it was booted meanwhile; its power was switched off");
  });
});
