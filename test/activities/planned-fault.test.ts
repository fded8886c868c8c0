import { describe, expect, test } from "vitest";
import { clearFaults, faultIsOnRecord, plannedFault } from "../../activities/planned-fault.ts";
import type { TrialDeps } from "../../activities/deps.ts";
import type { Setup } from "../../activities/setup.ts";
import { faultLabel, type PlannedFault } from "../../model/fault-plan.ts";
import type { FaultInjector, FaultOrder } from "../../model/fault.ts";
import { Fenced } from "../../remote/shell.ts";
import { StoreUnavailable, type EventRow } from "../../store/store.ts";

const cut: PlannedFault = {
  fault: "link-cut",
  host: "destination",
  when: "migrating",
  afterMs: 0,
  forMs: 300,
  ...{ link: null, mbps: null, lossRatio: null, mib: null },
  trials: { kind: null, platform: null, repetitions: null, name: null },
};

const scripted = (options: {
  planned?: PlannedFault | null;
  token?: number;
  lab?: boolean;
  storeAway?: number;
  onToken?: () => void;
}) => {
  const { planned = cut, token = 3, lab = true, onToken = () => undefined } = options;
  let { storeAway = 0 } = options;
  const journal: string[] = [];
  const orders: FaultOrder[] = [];
  const events: EventRow[] = [];
  const faults: FaultInjector = {
    inject: async (order, trial) => {
      orders.push(order);
      journal.push("inject");
      const { fault, host } = order;
      const at = "2026-01-01T00:00:00.000Z";
      return {
        ...{ id: "1", fault, host, trial, detail: "wire-m is down", at, untilAt: null },
        undoable: true,
      };
    },
    clear: async (until) => {
      journal.push(`clear ${until}`);
      return [];
    },
  };
  const store = {
    testbed: async () => (journal.push("token"), onToken(), { content: {}, token }),
    putEvent: async (event: EventRow) => {
      if ((storeAway -= 1) >= 0) throw new StoreUnavailable("the disk is full");
      events.push(event);
    },
    events: async () => events,
  };
  const ref = { campaignId: "c-1", testbed: "lab", trialId: "c-1/b01/t", attempt: 2, token: 3 };
  const setup = {
    ref,
    host: "R2",
    trial: { id: ref.trialId, scenario: planned ? { fault: faultLabel(planned) } : {} },
    campaign: { faults: planned ? [planned] : undefined },
    bench: { testbed: { name: "lab" }, ...(lab ? { faults } : {}) },
  } as unknown as Setup;
  return { deps: { store } as unknown as TrialDeps, setup, journal, orders, events };
};
const soon = () => new Promise((wake) => setTimeout(wake, 30));

describe("the fault of a trial", () => {
  test("is made in its phase alone, once, after a look at the highest token, and stored", async () => {
    const { deps, setup, journal, orders, events } = scripted({});
    const fault = plannedFault(deps, setup);
    for (const phase of ["settle", "load", "control"]) fault.entered(phase);
    await soon();
    expect(journal).toEqual([]);
    fault.entered("migration");
    await soon();
    fault.entered("after");
    await fault.made();
    expect(journal).toEqual(["token", "inject"]);
    // The migration goes from R2 to R1.
    expect(orders).toMatchObject([{ fault: "link-cut", host: "R1", forMs: 300 }]);
    expect(events).toMatchObject([
      {
        key: "c-1/b01/t#2/fault",
        kind: "fault",
        attempt: 2,
        content: { detail: "wire-m is down", when: "migrating" },
      },
    ]);
  });

  test("is made once and stored when the store is there again, which it may have taken away itself", async () => {
    const { deps, setup, journal, events } = scripted({ storeAway: 1 });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await soon();
    expect(events).toEqual([]);
    await fault.made();
    expect(journal).toEqual(["token", "inject"]);
    expect(events).toHaveLength(1);
  });

  test("is never made with a token that is not the highest any more", async () => {
    const { deps, setup, journal } = scripted({ token: 4 });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await soon();
    await expect(fault.made()).rejects.toBeInstanceOf(Fenced);
    await expect(clearFaults(deps, setup, "restore")).rejects.toBeInstanceOf(Fenced);
    expect(journal).not.toContain("inject");
  });

  test("whose moment never came is no quiet success", async () => {
    const { deps, setup, journal } = scripted({ planned: { ...cut, afterMs: 60_000 } });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await expect(fault.made()).rejects.toThrow(
      "the fault link-cut-destination-at-migrating-60000ms-for-300ms was not made",
    );
    expect(journal).toEqual([]);
  });

  test("whose phase was over before its moment is not made in the next one", async () => {
    const { deps, setup, journal } = scripted({ planned: { ...cut, afterMs: 20 } });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    fault.entered("after");
    await new Promise((wake) => setTimeout(wake, 60));
    await expect(fault.made()).rejects.toThrow("its phase ended before its moment came");
    expect(journal).toEqual([]);
  });

  test("is not made when its phase ends while the token is looked at", async () => {
    const { deps, setup, journal } = scripted({ onToken: () => fault.entered("after") });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await soon();
    await expect(fault.made()).rejects.toThrow("its phase ended before its moment came");
    expect(journal).toEqual(["token"]);
  });

  test("cannot be made on a testbed that nobody disturbs", () => {
    const { deps, setup } = scripted({ lab: false });
    expect(() => plannedFault(deps, setup)).toThrow("testbed lab cannot be disturbed on purpose");
  });

  test("is on record from the moment when it was made, so that a measurement without it is never collected", async () => {
    const { deps, setup } = scripted({});
    expect(await faultIsOnRecord(deps, setup)).toBe(false);
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await soon();
    await fault.end();
    expect(await faultIsOnRecord(deps, setup)).toBe(true);
    const undisturbed = scripted({ planned: null });
    expect(await faultIsOnRecord(undisturbed.deps, undisturbed.setup)).toBe(true);
  });

  test("that it has not is waited for by nobody", async () => {
    const { deps, setup, journal } = scripted({ planned: null });
    const fault = plannedFault(deps, setup);
    fault.entered("migration");
    await fault.made();
    expect(journal).toEqual([]);
  });
});
