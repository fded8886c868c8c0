/**
 * The node agent's accuracy and cost on a lab: lateness of the 10 ms sampler, its share of a CPU, and
 * frames that the sink drops at the highest rate that a calibration of testbeds/lab.yaml finds.
 * `npm run bench:agent -- [SECONDS]`; root, tcpreplay.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { routedStream, endNic } from "../activities/flow.ts";
import { guestOf } from "../activities/guest.ts";
import { takeHosts } from "../activities/prepare.ts";
import { ensureRouter } from "../activities/router.ts";
import { calibrate } from "../lab/calibration.ts";
import { hostNames } from "../model/testbed.ts";
import { collectCounterSeries, startCounterSeries } from "../probes/counter-series.ts";
import { collectSink, startSink } from "../probes/sink.ts";
import type { Agent } from "../remote/agent.ts";
import { testCache } from "../test/workflows/server.ts";
import { openLabBench } from "./lab-bench.ts";

const seconds = Number(process.argv[2] ?? 5);
const frameSizeBytes = 64;

process.env.LONGHAUL_CACHE ??= testCache;
const folder = join(import.meta.dirname, `../.longhaul/test/agent-${process.pid}`);
const lab = await openLabBench(
  folder,
  readFileSync(join(import.meta.dirname, "../testbeds/lab.yaml"), "utf8")
    .replace(/^name: .*$/m, "name: agent")
    // The rate is the generator's and the sink's: no guest is needed.
    .replace(/^platforms: .*$/m, "platforms: [bare]"),
  console.log,
);
try {
  const { bench } = lab;
  const { testbed, hosts, generator } = bench;
  const [calibration] = await calibrate(bench, {
    frameSizesBytes: [frameSizeBytes],
    log: console.log,
  });
  const { fence } = await takeHosts(bench, 1, hostNames);
  const router = { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" };
  await ensureRouter(bench, fence, {
    platform: "bare",
    host: "R1",
    guests: { bare: guestOf(testbed, router, "bare") },
    unit: "bench.answer",
  });
  const fps = calibration?.maxFps ?? 0;
  const stream = routedStream(testbed, {
    ...{ tag: 99, frameSizeBytes, fps, durationMs: seconds * 1000 },
  });
  const agents = await Promise.all(["A", "B", "C", "D", "R1", "R2"].map((one) => hosts.agent(one)));
  const [r1, sink] = await Promise.all([hosts.agent("R1"), hosts.agent("B")]);
  const deadlineMs = 120_000;

  await startCounterSeries(r1, fence, "bench.idle", { intervalMs: 10, deadlineMs });
  const idleBegun = await cpuMs(r1, "bench.idle");
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const idleSpent = (await cpuMs(r1, "bench.idle")) - idleBegun;
  const idle = await collectCounterSeries(r1, fence, "bench.idle");
  console.log(accuracyText("sampler, no load", idle.accuracy));
  console.log(
    `  ${idle.series.length} interfaces; ${((idleSpent / (seconds * 1000)) * 100).toFixed(2)} % of a CPU`,
  );

  await Promise.all([
    ...agents.map((agent) =>
      startCounterSeries(agent, fence, "bench.loaded", { intervalMs: 10, deadlineMs }),
    ),
    startSink(sink, fence, "bench.sink", {
      ...{ device: endNic(testbed, "B").device, udpPort: stream.udpPort, tag: stream.tag, fps },
      ...{ sequenceModulus: generator.sequenceModulus(stream), deadlineMs },
    }),
    generator.prepare(fence, "bench.load", stream),
  ]);
  await generator.start(fence, "bench.load", stream);
  const [sinkBegun, samplerBegun] = await Promise.all([
    cpuMs(sink, "bench.sink"),
    cpuMs(r1, "bench.loaded"),
  ]);
  const offered = await generator.finish("bench.load", stream, () => undefined);
  const sinkSpent = (await cpuMs(sink, "bench.sink")) - sinkBegun;
  const samplerSpent = (await cpuMs(r1, "bench.loaded")) - samplerBegun;
  const [received, ...sampled] = await Promise.all([
    collectSink(sink, fence, "bench.sink"),
    ...agents.map((agent) => collectCounterSeries(agent, fence, "bench.loaded")),
  ]);
  agents.forEach((agent, index) => {
    const one = sampled[index];
    if (one) console.log(accuracyText(`sampler of ${agent.host}, under load`, one.accuracy));
  });
  console.log(
    `sampler of R1, under load: ${((samplerSpent / (seconds * 1000)) * 100).toFixed(2)} % of a CPU`,
  );
  console.log(
    `sink: ${received.frames} of ${offered.frames} frames at ${Math.round(fps)} frames/s, ` +
      `${received.socketDrops} dropped at its socket (goal 0), ` +
      `${((sinkSpent / (seconds * 1000)) * 100).toFixed(1)} % of a CPU while frames came`,
  );
  process.exitCode = received.socketDrops === 0 ? 0 : 1;
} finally {
  await lab.close();
}

/** CPU time that the processes of a unit have spent so far, ms: fields 6 (session), 14 and 15 of /proc/PID/stat (man 5 proc), in clock ticks of 10 ms. */
async function cpuMs(agent: Agent, unit: string): Promise<number> {
  const record = `${lab.bench.testbed.runFolder}/units/${unit}/unit.json`;
  const { [record]: text } = await agent.readFiles([record]);
  const { pid: session } = JSON.parse(text ?? "{}") as { pid?: number };
  const { stdout } = await agent.read(["sh", "-c", "cat /proc/[0-9]*/stat 2>/dev/null; true"]);
  return stdout
    .split("\n")
    .map((line) => line.slice(line.lastIndexOf(")") + 2).split(" "))
    .filter((fields) => Number(fields[3]) === session)
    .reduce((sum, fields) => sum + 10 * (Number(fields[11]) + Number(fields[12])), 0);
}

function accuracyText(
  what: string,
  { p50Ms, p99Ms, maxMs, missedTicks, readP99Us, intervalMs }: CollectedAccuracy,
): string {
  return (
    `${what}: interval ${intervalMs} ms, p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)}, ` +
    `longest ${maxMs.toFixed(1)} ms; ${missedTicks} ticks missed; a read takes ${readP99Us} µs (p99)`
  );
}
type CollectedAccuracy = Awaited<ReturnType<typeof collectCounterSeries>>["accuracy"];
