/** The baseline of health: both flows answer, and of a light load hardly a frame is lost. */
import { passStream } from "../generators/pass.ts";
import type { Hypervisor } from "../hypervisors/hypervisor.ts";
import type { Health } from "../model/health.ts";
import type { BaselineFound } from "../model/measurement.ts";
import { fnv1a } from "../model/tag.ts";
import type { Fence } from "../remote/agent.ts";
import type { Store } from "../store/store.ts";
import type { Bench } from "./deps.ts";
import { receivingEnd, routedStream } from "./flow.ts";
import { phase } from "./progress.ts";
import { routerSilence } from "./router-answers.ts";

/** Frames still under way when the load ends. */
const drainMs = 300;
const answerMs = 5000;

export interface BaselineWanted extends Health {
  readonly frameSizeBytes: number;
  /** Prefix of the units' names; unique on the hosts' boot. */
  readonly unit: (what: string) => string;
}

export async function measureBaseline(
  bench: Bench,
  fence: Fence,
  { fps, frameSizeBytes, durationMs, lossRatio, unit }: BaselineWanted,
): Promise<BaselineFound> {
  const { testbed } = bench;
  const asked = { fps, durationMs, allowedLossRatio: lossRatio };
  const silence = await routerSilence(bench, fence, unit("answer"), answerMs);
  if (silence !== null) return { ...asked, silence, offeredFrames: 0, receivedFrames: 0 };
  const tag = fnv1a(unit("load"));
  const { offered, received } = await passStream(bench, fence, {
    stream: routedStream(testbed, { tag, frameSizeBytes, fps, durationMs }),
    end: receivingEnd(testbed),
    unit,
    deadlineMs: durationMs + 60_000,
    drained: () => phase(drainMs),
  });
  return {
    ...asked,
    silence: null,
    offeredFrames: offered.frames,
    receivedFrames: received.summary.frames,
  };
}

/** The lower of the campaign's rate and its share of the capacity, where that is known. */
export async function baselineFps(
  { fps, ofCapacity }: Health,
  {
    store,
    testbed,
    driver,
    frameSizeBytes,
  }: {
    readonly store: Pick<Store, "capacities">;
    readonly testbed: string;
    readonly driver: Hypervisor;
    readonly frameSizeBytes: number;
  },
): Promise<number> {
  const known = (await store.capacities(testbed)).find(
    (one) =>
      one.platform === driver.name &&
      one.bootProfile === driver.bootProfile &&
      one.frameSizeBytes === frameSizeBytes,
  );
  return Math.max(1, Math.floor(Math.min(fps, (known?.fps ?? Infinity) * ofCapacity)));
}
