import { describe, expect, test } from "vitest";
import { recoveryActs } from "../../activities/recovery/acts.ts";
import type { TrialDeps } from "../../activities/deps.ts";
import type { Power } from "../../power/power.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import type { QuarantineRow } from "../../store/recoveries.ts";
import type { Store } from "../../store/store.ts";
import type { RungAnswer } from "../../workflows/acts.ts";
import { quietActivity } from "./quiet-activity.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";
import type { Script } from "./scripted-bench.ts";

/** Gives one host up, which does not answer unless `answers`. @returns what is stored of it, and the power's orders. */
async function givenUp(host: string, power: Partial<Power>, script: Script = {}, answers = false) {
  const { deps, bench, journal } = scriptedBench(script);
  const stored: QuarantineRow[] = [];
  const verbs: Partial<Store> = {
    raiseToken: async () => true,
    testbed: async () => ({ content: {}, token: ref.token }),
    putRecoveryStep: async () => undefined,
    putEvent: async () => undefined,
    putQuarantine: async (_testbed, row) => void stored.push(row),
  };
  const store = new Proxy(deps.store, {
    get: (own, verb: string) =>
      verbs[verb as keyof Store] ?? (own as unknown as Record<string, unknown>)[verb],
  });
  const off: string[] = [];
  const hosts = {
    ...bench.hosts,
    agent: async (name: string) => {
      if (name === host && !answers) throw new NoExitStatus(`${name}: no answer`);
      return bench.hosts.agent(name);
    },
  };
  const given: TrialDeps = {
    ...deps,
    store,
    bench: async () => ({
      ...bench,
      hosts,
      power: {
        state: async () => "off",
        on: async () => undefined,
        cycle: async () => undefined,
        off: async (name) => void off.push(name),
        ...power,
      },
    }),
  };
  const order = { ref, id: "r", why: "a test", step: "quarantine", hosts: [host] } as const;
  const answer = await quietActivity().run(async (): Promise<RungAnswer> =>
    recoveryActs(given).quarantineHosts(order),
  );
  return { row: stored[0], words: answer.words, off, journal };
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
