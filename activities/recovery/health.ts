/** The trial after a rung: far below saturation, where loss is not noise. */
import type { Stream } from "../../generators/generator.ts";
import { fnv1a } from "../../model/tag.ts";
import { unitName } from "../../model/unit-name.ts";
import { collectSink, startSink } from "../../probes/sink.ts";
import { endNic, routedStream } from "../flow.ts";
import { phase } from "../progress.ts";
import { routerSilence } from "../router-answers.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { names, reach } from "./rung.ts";

const baseline = {
  highestFps: 1000,
  shareOfCapacity: 0.1,
  durationMs: 2000,
  lossRatio: 0.001,
} as const;

/** Frames still under way when the load ends. */
const drainMs = 300;
const answerMs = 5000;

/** Both flows answer (A–B and C–D), and of a light load no more than one frame in a thousand is lost. */
export async function healthTrial(setup: RungSetup): Promise<Climbed> {
  const { bench, order, trial } = setup;
  const { hosts, generator, testbed } = bench;
  const { fence, unreachable } = await reach(setup);
  if (unreachable.length > 0)
    return { status: "failed", words: `no answer from ${names(unreachable)}`, unreachable };
  const name = (what: string) => unitName(order.ref, `health-${order.ref.token}.${what}`);
  const silence = await routerSilence(bench, fence, name("answer"), answerMs);
  if (silence !== null) return { status: "failed", words: silence };
  const stream: Stream = routedStream(testbed, {
    tag: fnv1a(name("load")),
    frameSizeBytes: trial.scenario.frameSizeBytes,
    fps: await baselineFps(setup),
    durationMs: baseline.durationMs,
  });
  const sink = await hosts.agent("B");
  await Promise.all([
    startSink(sink, fence, name("sink"), {
      device: endNic(testbed, "B").device,
      tag: stream.tag,
      udpPort: stream.udpPort,
      sequenceModulus: generator.sequenceModulus(stream),
      fps: stream.fps,
      deadlineMs: 60_000,
    }),
    generator.prepare(fence, name("load"), stream),
  ]);
  await generator.start(fence, name("load"), stream);
  const offered = await generator.finish(name("load"), stream, () => undefined);
  await phase(drainMs);
  const received = await collectSink(sink, fence, name("sink"));
  const lost = offered.frames - received.frames;
  const healthy = offered.frames > 0 && lost <= baseline.lossRatio * offered.frames;
  return {
    status: healthy ? "verified" : "failed",
    words: `${received.frames} of ${offered.frames} frames arrived at ${stream.fps} frames/s; both flows answer`,
    details: { offeredFrames: offered.frames, receivedFrames: received.frames, fps: stream.fps },
  };
}

/** The lower of 1,000 frames/s and a tenth of the capacity, where that is known. */
async function baselineFps({ deps, order, platform, trial, driver }: RungSetup): Promise<number> {
  const capacities = await deps.store.capacities(order.ref.testbed);
  const known = capacities.find(
    (one) =>
      one.platform === platform &&
      one.bootProfile === driver.bootProfile &&
      one.frameSizeBytes === trial.scenario.frameSizeBytes,
  );
  const share = (known?.fps ?? Infinity) * baseline.shareOfCapacity;
  return Math.max(1, Math.floor(Math.min(baseline.highestFps, share)));
}
