import { describe, expect, test } from "vitest";
import { trialActs } from "../../activities/trials.ts";
import { Fenced, NoExitStatus } from "../../remote/shell.ts";
import { quietActivity } from "./quiet-activity.ts";
import { before, prepare } from "./scripted-acts.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";

describe("prepare", () => {
  test("raises the token on every host before it sweeps, and before anything starts", async () => {
    const { journal } = await prepare({});
    for (const host of ["A", "B", "C", "D", "R1", "R2"]) {
      before(journal, `raise ${host}`, `sweep ${host}`);
      before(journal, `sweep ${host}`, "boot ids stored");
    }
    before(journal, "boot ids stored", "provenance stored");
  });

  test("keeps a router that runs where the trial begins and answers", async () => {
    const { journal } = await prepare({ routers: { "kvm@R1": "running" } });
    expect(journal.filter((line) => /^(create|destroy)/.test(line))).toEqual([]);
    expect(journal).toContain("provenance stored");
  });

  test("leaves one router: another platform's is destroyed before this one is made", async () => {
    const { journal } = await prepare({ routers: { "bare@R1": "running" } });
    before(journal, "destroy bare@R1", "create kvm@R1");
  });

  test("makes the router anew when it is on the other host", async () => {
    const { journal } = await prepare({ routers: { "kvm@R2": "running" } });
    before(journal, "destroy kvm@R2", "create kvm@R1");
  });

  test("makes a router anew that runs and does not answer", async () => {
    let asked = 0;
    const { journal } = await prepare({ answers: () => (asked += 1) > 2 });
    before(journal, "destroy kvm@R1", "create kvm@R1");
  });

  test("makes a router anew whose toolstack does not tell of it", async () => {
    const { journal } = await prepare({
      inspected: (count) => {
        if (count <= 4) throw new NoExitStatus("R1: QEMU's monitor is silent");
      },
    });
    before(journal, "destroy kvm@R1", "create kvm@R1");
  });

  test("refuses a new router that does not answer, saying who got no answer", async () => {
    await expect(prepare({ answers: () => false })).rejects.toThrow(
      "R1: the new router router-kvm does not forward: A got no answer from B through the router within 15000 ms; C got no answer from D",
    );
  });

  test("readies the destination of a migration once the router is at its source", async () => {
    const { journal } = await prepare({
      kind: "migration",
      direction: "R2toR1",
      routers: { "kvm@R1": "running" },
    });
    before(journal, "destroy kvm@R1", "create kvm@R2");
    before(journal, "create kvm@R2", "incoming kvm@R1");
  });

  test("may be tried again when a host was booted meanwhile, and may not when another holds the testbed", async () => {
    const answers = () => {
      throw new Fenced("C: expected boot id one, this boot's is two");
    };
    const booted = prepare({ answers });
    await expect(booted).rejects.not.toBeInstanceOf(Fenced);
    await expect(booted).rejects.toThrow(
      "a host was booted while the testbed was prepared: C: expected boot id one",
    );
    await expect(prepare({ answers, highestToken: ref.token + 1 })).rejects.toThrow(Fenced);
  });

  test("touches no host when the testbed has seen a higher token", async () => {
    const scripted = scriptedBench({ opens: false });
    const prepared = quietActivity().run(() => trialActs(scripted.deps).prepare(ref));
    await expect(prepared).rejects.toThrow(Fenced);
    await expect(prepared).rejects.toThrow(/testbed bench has seen a higher token/);
    expect(scripted.journal).toEqual([]);
  });

  test("touches no host when the trial was decided meanwhile, and says what it has", async () => {
    const decided = { state: "skipped" as const, reason: "skipped by ann: no" };
    const scripted = scriptedBench({ opens: false, decided });
    const prepared = quietActivity().run(() => trialActs(scripted.deps).prepare(ref));
    await expect(prepared).rejects.toMatchObject({ type: "Decided", nonRetryable: true });
    await expect(prepared).rejects.toThrow(/has its verdict: skipped \(skipped by ann: no\)/);
    expect(scripted.journal).toEqual([]);
  });
});
