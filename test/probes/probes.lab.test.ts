/** The probes on real interfaces, under tcpreplay's load. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { collectCounterSeries, startCounterSeries } from "../../probes/counter-series.ts";
import { collectHostLoad, startHostLoad } from "../../probes/host-load.ts";
import { collectRtt, startRtt } from "../../probes/rtt.ts";
import { collectSink, collectSinkWithRaw, startSink } from "../../probes/sink.ts";
import { CommandFailed } from "../../remote/shell.ts";
import { until } from "../remote/local-agent.ts";
import { writeCapture } from "./capture.ts";
import { twoHosts } from "./two-hosts.ts";
import type { TwoHosts } from "./two-hosts.ts";

let hosts: TwoHosts;
let capture: string;
const tag = 77;
const port = 9_009;
beforeAll(async () => {
  hosts = await twoHosts();
  capture = await recorded("flow.pcap", 65_536);
});
afterAll(() => hosts.end());

const recorded = async (
  name: string,
  frames: number,
  sequence: (index: number) => number = (index) => index,
): Promise<string> => {
  const path = `${hosts.source.runFolder}/${name}`;
  const { sourceMac, sinkMac } = hosts;
  await writeCapture(path, { frames, tag, port, sourceMac, sinkMac, sequence });
  return path;
};
const source = () => hosts.source.agent;
const sink = () => hosts.sink.agent;
const sourceFence = () => hosts.source.fence(1);
const sinkFence = () => hosts.sink.fence(1);

const send = async (file: string, ...options: string[]): Promise<number> => {
  const sent = await source().act(sourceFence(), ["tcpreplay", ...options, "-i", "wire0", file], {
    timeoutMs: 30_000,
  });
  expect(sent.stderr + sent.stdout).toMatch(/Actual: \d+ packets/);
  return Number(/Actual: (\d+) packets/.exec(sent.stdout)?.[1]);
};
const sinkOptions = {
  device: "wire1",
  udpPort: port,
  tag,
  fps: 100_000,
  sequenceModulus: 65_536,
  deadlineMs: 60_000,
};

test("the sink counts every frame of 100,000 a second, and drops none itself", async () => {
  await startSink(sink(), sinkFence(), "fast", sinkOptions);
  const sent = await send(capture, "-K", "--loop=1000", "--duration=2", "--pps=100000");
  const summary = await collectSink(sink(), sinkFence(), "fast");
  // As many as a busy machine lets the generator send; two rounds of the sequence numbers prove the unwrapping.
  expect(sent).toBeGreaterThan(65_536);
  expect(summary).toMatchObject({
    host: "B",
    frames: sent,
    socketDrops: 0,
    duplicates: 0,
    late: 0,
    foreign: 0,
    firstSequence: 0,
    lastSequence: sent - 1,
    lostRanges: [],
  });
  expect(summary.ticks.frames.reduce((sum, one) => sum + one, 0)).toBe(sent);
  const { start, end } = summary.clockOffsetUs ?? { start: NaN, end: NaN };
  expect(Math.abs(Math.abs(end - start) - summary.clockStepUs)).toBeLessThanOrEqual(1);
  expect(await collectSink(sink(), sinkFence(), "fast")).toEqual(summary);
});

test("lost, repeated and foreign frames are told apart, and raw stamps are kept on request", async () => {
  const file = await recorded("odd.pcap", 200, (index) =>
    index < 100 ? index : index === 150 ? 20 : index + 50,
  );
  await startSink(sink(), sinkFence(), "odd", { ...sinkOptions, fps: 1_000, keepRaw: true });
  await startSink(sink(), sinkFence(), "other", { ...sinkOptions, udpPort: 9_010 });
  await send(file, "--pps=1000");
  const { summary, raw } = await collectSinkWithRaw(sink(), sinkFence(), "odd");
  expect(summary).toMatchObject({
    frames: 199,
    duplicates: 1,
    lostRanges: [
      [100, 149],
      [200, 200],
    ],
  });
  expect(raw?.sequence.slice(98, 102)).toEqual([98, 99, 150, 151]);
  expect(raw?.arrivalUs).toHaveLength(200);
  expect(raw?.arrivalUs[0]).toBe(summary.firstUs);
  expect(await collectSink(sink(), sinkFence(), "other")).toMatchObject({ frames: 0, foreign: 0 });

  await startSink(sink(), sinkFence(), "foreign", { ...sinkOptions, tag: tag + 1 });
  await send(file, "--pps=1000");
  expect(await collectSink(sink(), sinkFence(), "foreign")).toMatchObject({
    frames: 0,
    foreign: 200,
    firstUs: null,
  });
});

const unreachablesSent = async (): Promise<number> => {
  const { stdout } = await sink().read(["cat", "/proc/net/snmp"]);
  const [names = [], values = []] = stdout
    .split("\n")
    .filter((line) => line.startsWith("Icmp:"))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("OutDestUnreachs")]);
};

test("the flow draws no ICMP errors from a host whose sink runs, and does without", async () => {
  await startSink(sink(), sinkFence(), "quiet", sinkOptions);
  const begun = await unreachablesSent();
  await send(capture, "--pps=1000", "--limit=100");
  expect((await collectSink(sink(), sinkFence(), "quiet")).frames).toBe(100);
  expect(await unreachablesSent()).toBe(begun);
  await send(capture, "--pps=1000", "--limit=100");
  expect(await unreachablesSent()).toBeGreaterThan(begun);
});

test("a sink on a device that does not exist fails with the reason", async () => {
  const started = startSink(sink(), sinkFence(), "nowhere", { ...sinkOptions, device: "no0" });
  await expect(started).rejects.toThrow(CommandFailed);
  await expect(started).rejects.toThrow("No such device");
});

test("every probe of a side flow has its round trip, or null once the other end is silent", async () => {
  await startRtt(source(), sourceFence(), "rtt", {
    destination: "198.18.1.11",
    intervalMs: 10,
    deadlineMs: 60_000,
  });
  const answers = async () => (await source().counters()).interfaces.wire0?.rxFrames ?? 0;
  const first = await answers();
  await until("probes are answered", async () => (await answers()) > first + 30);
  await sink().act(sinkFence(), ["ip", "link", "set", "wire1", "down"]);
  const sent = async () => (await source().counters()).ip.OutRequests ?? 0;
  const before = await sent();
  await until("more are sent", async () => (await sent()) > before + 20);
  const { sentUs, rttMs, intervalMs } = await collectRtt(source(), sourceFence(), "rtt");
  await sink().act(sinkFence(), ["ip", "link", "set", "wire1", "up"]);
  expect(intervalMs).toBe(10);
  expect(rttMs).toHaveLength(sentUs.length);
  const replies = rttMs.filter((one) => one !== null);
  expect(replies.length).toBeGreaterThan(15);
  expect(Math.min(...replies)).toBeGreaterThan(0);
  expect(rttMs.slice(-15)).toEqual(Array.from({ length: 15 }, () => null));
});

test("a probe that the host itself refuses to send is told apart from one that got no reply", async () => {
  await startRtt(source(), sourceFence(), "refused", {
    destination: "198.18.1.11",
    intervalMs: 10,
    deadlineMs: 60_000,
  });
  const link = (state: string) =>
    source().act(sourceFence(), ["ip", "link", "set", "wire0", state]);
  const sent = async () => ((await sink().counters()).interfaces.wire1?.rxFrames ?? 0) > 0;
  await until("probes leave", sent);
  await link("down");
  await new Promise((resolve) => setTimeout(resolve, 300));
  const { rttMs, sentUs, refused } = await collectRtt(source(), sourceFence(), "refused");
  await link("up");
  expect(refused).toBeGreaterThan(10);
  expect(rttMs).toHaveLength(sentUs.length);
  expect(rttMs.filter((one) => one === null).length).toBeLessThan(5);
});

test("counters of every interface are sampled, and an interface made anew is a new series", async () => {
  const link = async (...argv: string[]) => {
    const done = await source().act(sourceFence(), ["ip", "link", ...argv]);
    expect(done.stderr).toBe("");
  };
  const addPair = () => link("add", "extra0", "type", "veth", "peer", "name", "extra1");
  await addPair();
  await startCounterSeries(source(), sourceFence(), "series", {
    intervalMs: 5,
    deadlineMs: 60_000,
  });
  await send(capture, "--pps=5000", "--limit=2000");
  await link("del", "extra0");
  await addPair();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const { series, accuracy } = await collectCounterSeries(source(), sourceFence(), "series");
  await link("del", "extra0");
  const devices = series.map((one) => one.device).sort();
  expect(devices).toEqual(["extra0", "extra0", "extra1", "extra1", "lo", "wire0"]);
  expect(new Set(series.map((one) => one.ifindex)).size).toBe(6);
  const wire = series.find((one) => one.device === "wire0");
  expect((wire?.txFrames.at(-1) ?? 0) - (wire?.txFrames[0] ?? 0)).toBeGreaterThanOrEqual(2_000);
  expect(wire?.beforeUs).toHaveLength(wire?.txBytes.length ?? -1);
  for (const [index, before] of wire?.beforeUs.entries() ?? []) {
    expect(wire?.afterUs[index]).toBeGreaterThanOrEqual(before);
  }
  expect(accuracy.intervalMs).toBe(5);
  expect(accuracy.p50Ms).toBeGreaterThan(4);
});

test("the host's load is told by CPU, for the whole time or a span of it", async () => {
  await startHostLoad(sink(), sinkFence(), "load", { deadlineMs: 60_000 });
  const program =
    "import time\nt = time.monotonic()\nwhile time.monotonic() < t + 0.5: pass\nprint(int(t * 1e6))";
  const { stdout } = await sink().read(["python3", "-c", program]);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const fromUs = Number(stdout);
  const busy = { fromUs, toUs: fromUs + 500_000 };
  const [whole, inSpan] = [
    await collectHostLoad(sink(), sinkFence(), "load"),
    await collectHostLoad(sink(), sinkFence(), "load", busy),
  ];
  expect(whole.cpus.length).toBeGreaterThan(0);
  const most = Math.max(...inSpan.cpus.map((one) => one.userRatio));
  expect(most).toBeGreaterThan(0.2);
  expect(inSpan.cpus).not.toEqual(whole.cpus);
  expect(inSpan.runnableMean).toBeGreaterThan(0);
});
