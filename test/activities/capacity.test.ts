import { describe, expect, test } from "vitest";
import { resolveCapacity } from "../../activities/capacity.ts";
import type { Stream } from "../../generators/generator.ts";
import type { Received, Receiver } from "../../generators/receiver.ts";
import type { SinkSummary } from "../../model/measurement.ts";
import type { Capacity } from "../../model/testbed.ts";
import type { Store, TrialRow } from "../../store/store.ts";
import { quietActivity } from "./quiet-activity.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { offered } from "./scripted-facts.ts";

const lineFps = 50_000;
const conditions = "image router, 256 MiB, 1 vCPU, routing kernel, tcg, 400 Mbit/s links";
const calibratedAt = "2026-11-26T10:00:00.000Z";
const stored: Capacity = {
  ...{ testbed: "bench", platform: "kvm", bootProfile: "linux", frameSizeBytes: 64, fps: 700 },
  ...{ conditions, measuredAt: "2026-11-26T11:00:00.000Z" },
};

interface Facts {
  /** What the router forwards of a load. */
  readonly forwardsFps?: number;
  /** What the generator really sends of it. */
  readonly sendsFps?: number;
  /** Frames that the receiver drops itself, by the count of the step from 1. */
  readonly socketDrops?: (step: number) => number;
  readonly known?: readonly Capacity[];
  readonly ofCapacity?: readonly number[];
  readonly beyondTestbed?: "omit" | "refuse";
  /** What the routers' hosts boot, where that can be chosen. */
  readonly booted?: string;
}

async function resolved({
  forwardsFps = Infinity,
  sendsFps = Infinity,
  socketDrops = () => 0,
  known = [],
  ofCapacity = [0.5],
  beyondTestbed = "refuse",
  booted,
}: Facts) {
  const steps: number[] = [];
  const put: Capacity[] = [];
  const loads: Parameters<Store["resolveLoads"]>[3][] = [];
  const sent = (stream: Stream) => Math.min(stream.fps, sendsFps);
  const receiver: Receiver = {
    name: "scripted",
    start: async (_fence, _unit, _end, { fps }) => void steps.push(fps),
    collect: async (): Promise<Received> => {
      const frames = Math.round(Math.min(steps.at(-1) ?? 0, sendsFps, forwardsFps));
      const drops = socketDrops(steps.length);
      const summary = { host: "B", frames: frames - drops, socketDrops: drops };
      return { summary: summary as SinkSummary, raw: null };
    },
  };
  const { deps: scripted, journal } = scriptedBench({
    receiver,
    sent: (stream) => ({ ...offered, intendedFps: stream.fps, frames: Math.round(sent(stream)) }),
    campaign: {
      beyondTestbed,
      ...{ idleProbeFps: 1000, tolerance: { offeredLoadRatio: 0.01 } as never },
    },
    store: {
      raiseToken: async () => true,
      capacities: async () => known,
      calibrations: async () => [
        {
          ...{ testbed: "bench", host: "A", device: "eth-a", generator: "scripted" },
          ...{ frameSizeBytes: 64, maxFps: lineFps, rateErrorRatio: 0, measuredAt: calibratedAt },
          ...{ gapP50Us: 1, gapP999Us: 1, gapMaxUs: 1 },
        },
      ],
      putCapacity: async (capacity) => void put.push(capacity),
      trials: async () =>
        ofCapacity.map((share) => ({
          scenario: {
            ...{ platform: "kvm", frameSizeBytes: 64, load: `${share}capacity`, direction: null },
            ...{ intendedFps: null, ofCapacity: share },
          },
        })) as unknown as readonly TrialRow[],
      resolveLoads: async (_campaign, _platform, _size, capacity) => void loads.push(capacity),
    },
  });
  const boots = {
    profile: (host: string) => (host.startsWith("R") ? (booted ?? null) : null),
    boot: async (host: string, profile: string) => void journal.push(`boot ${host} ${profile}`),
  };
  const deps = {
    ...scripted,
    bench: async (name: string) => ({ ...(await scripted.bench(name)), boots }),
  };
  // What a phase waits for is of no matter here: every step would take its time.
  const environment = quietActivity();
  Object.assign(environment.context, { sleep: async () => undefined });
  const order = {
    campaignId: "c-1",
    testbed: "bench",
    platform: "kvm",
    frameSizeBytes: 64,
    token: 8,
  };
  const act = () => resolveCapacity(deps, order);
  const { fps } = await environment.run<[], { fps: number }, typeof act>(act);
  return { fps, steps, put, loads, journal };
}

describe("a capacity", () => {
  test("is the highest load that was offered and forwarded whole, and is stored with its conditions", async () => {
    const { fps, put } = await resolved({ forwardsFps: 20_000 });
    expect(fps).toBeLessThanOrEqual(20_000);
    expect(fps).toBeGreaterThan(19_000 * 0.94);
    expect(put).toEqual([{ ...stored, fps, measuredAt: expect.any(String) as string }]);
  });

  test("is never a rate that the generator did not offer, though every frame of it arrived", async () => {
    const { fps } = await resolved({ sendsFps: 12_000 });
    expect(fps).toBeLessThanOrEqual(12_000 * 1.01);
  });

  test("is not lowered by frames that the receiver dropped itself: such a step is measured again", async () => {
    const { fps, steps } = await resolved({ socketDrops: (step) => (step < 3 ? 5 : 0) });
    expect(fps).toBe(lineFps);
    expect(steps).toEqual([lineFps, lineFps, lineFps]);
  });

  test("cannot be told where the receiver drops frames again and again", async () => {
    await expect(resolved({ socketDrops: () => 5 })).rejects.toThrow(
      "the capacity of kvm at 64 bytes cannot be told, 3 times in a row: at 50,000 frames/s B itself dropped 5 frames at its socket",
    );
  });

  test("is searched on hosts that boot what the platform needs: they are booted before they are taken", async () => {
    const { journal } = await resolved({ booted: "xen" });
    const acts = journal.filter((line) => /^(boot|raise) R1/.test(line));
    expect(acts).toEqual(["boot R1 linux", "raise R1"]);
  });

  test("that was not found is told with the last load and what became of it", async () => {
    await expect(resolved({ sendsFps: 1 })).rejects.toThrow(
      /no load of 64 bytes that was tried was offered and forwarded whole by kvm; its capacity is not known; the last: at \d+ frames\/s the generator offered 1 frames\/s/,
    );
  });

  test("that is stored is taken without touching a host", async () => {
    const { fps, steps, journal, loads } = await resolved({ known: [stored] });
    expect(fps).toBe(700);
    expect(steps).toEqual([]);
    expect(journal).toEqual([]);
    expect(loads).toEqual([{ fps: 700, beyond: [] }]);
  });

  test.each([
    ["is older than the calibration", { measuredAt: "2026-11-26T09:59:59.000Z" }],
    ["is of another guest", { conditions: conditions.replace("256", "512") }],
    ["is of another accelerator", { conditions: conditions.replace("tcg", "kvm") }],
    ["does not say of which guest", { conditions: null }],
    ["is of another frame size", { frameSizeBytes: 1518 }],
  ])("that %s is searched anew", async (_, change) => {
    const { fps, steps } = await resolved({ known: [{ ...stored, ...change }] });
    expect(fps).toBe(lineFps);
    expect(steps).not.toEqual([]);
  });
});

describe("loads of a capacity that the testbed cannot offer", () => {
  const reason =
    "beyond the testbed: 1.1capacity at 64 bytes asks for 55,000 frames/s; the generator of testbed bench keeps at most 50,000 frames/s at that size (its calibration)";

  test("make their trials invalid, with both numbers", async () => {
    const { loads } = await resolved({ ofCapacity: [0.5, 1, 1.1] });
    expect(loads).toEqual([
      { fps: lineFps, beyond: [{ ofCapacity: 1.1, verdict: "invalid", reason }] },
    ]);
  });

  test("are skipped where the campaign lets the testbed omit", async () => {
    const { loads } = await resolved({ ofCapacity: [1.1], beyondTestbed: "omit" });
    expect(loads[0]?.beyond).toEqual([{ ofCapacity: 1.1, verdict: "skipped", reason }]);
  });

  test("say so of the line, too", async () => {
    const { loads } = await resolved({ ofCapacity: [20] });
    expect(loads[0]?.beyond[0]?.reason).toMatch(
      /1,000,000 frames\/s at 64 bytes does not exist on 400 Mbit\/s links: line rate there is 595,238 frames\/s/,
    );
  });
});
