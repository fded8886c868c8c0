/**
 * Replays a capture of numbered frames at a constant rate, as the paper's NetFPGA generator did. On the
 * lab it keeps 1,000 to 100,000 frames/s within 0.02 %. How it is held ready: tcpreplay.py.
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { OfferedLoad } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { captureBytes } from "../model/units.ts";
import type { Agent, Fence, Hosts, UnitOutput } from "../remote/agent.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import { framesInCapture } from "./capture.ts";
import type { Generator, Stream } from "./generator.ts";
import { parseStatistics, parseVersion } from "./tcpreplay-output.ts";

const source = ["./capture.py", "./tcpreplay.py"]
  .map((file) => readFileSync(new URL(file, import.meta.url), "utf8"))
  .join("\n");

/** A prepared generator waits at most this long for the load phase. */
const waitMs = 600_000;

const eventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), atUs: z.number() }),
  z.object({ kind: z.literal("sending"), atUs: z.number() }),
  z.object({ kind: z.literal("frames"), frames: z.number() }),
]);
type GeneratorEvent = z.infer<typeof eventSchema>;

const outcomeSchema = z.object({
  argv: z.array(z.string()),
  exitCode: z.number().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  startUs: z.number().nullable(),
});

/** Frames that make up the stream: exactly this many are sent. */
export const streamFrames = (stream: Stream): number =>
  Math.round((stream.fps * stream.durationMs) / 1000);

/** The options without the files, which the unit adds. The loop count only has to be high enough: `--limit` ends it. */
export const tcpreplayOptions = (stream: Stream): string[] => [
  "tcpreplay",
  `--intf1=${stream.device}`,
  "--preload-pcap",
  "--no-flow-stats",
  `--pps=${stream.fps.toFixed(3)}`,
  `--loop=${Math.ceil(streamFrames(stream) / framesInCapture(stream.frameSizeBytes)) + 1}`,
  `--limit=${streamFrames(stream)}`,
];

export const tcpreplay = (testbed: Testbed, hosts: Hosts): Generator => {
  const path = (unit: string) => `${testbed.runFolder}/generator/${unit}`;

  const load = async (agent: Agent, fence: Fence, unit: string, stream: Stream) => {
    await agent.startUnit(fence, {
      name: unit,
      deadlineMs: waitMs + stream.durationMs,
      program: {
        kind: "python",
        source,
        args: {
          argv: tcpreplayOptions(stream),
          device: stream.device,
          durationMs: stream.durationMs,
          path: path(unit),
          flow: stream,
          captureBytes: captureBytes(stream.frameSizeBytes),
          frames: framesInCapture(stream.frameSizeBytes),
        },
      },
    });
    await until(agent, unit, stream, (event) => event.kind !== "frames");
  };

  return {
    name: "tcpreplay",
    version: async (host) => {
      const argv = ["tcpreplay", "--version"];
      const result = await (await hosts.agent(host)).read(argv);
      const version = parseVersion(result.stderr + result.stdout);
      if (version === null) throw new CommandFailed(host, argv, result);
      return version;
    },
    sequenceModulus: (stream) => framesInCapture(stream.frameSizeBytes),
    prepare: async (fence, unit, stream) => {
      await load(await hosts.agent(stream.source), fence, unit, stream);
    },
    start: async (fence, unit, stream) => {
      const agent = await hosts.agent(stream.source);
      await load(agent, fence, unit, stream);
      const release = ["sh", "-c", 'echo go 1<>"$0"', `${path(unit)}.release`];
      const released = await agent.act(fence, release);
      if (released.exitCode !== 0) throw new CommandFailed(stream.source, release, released);
      await until(agent, unit, stream, (event) => event.kind === "sending");
    },
    finish: async (unit, stream, onProgress) => {
      const agent = await hosts.agent(stream.source);
      for await (const line of agent.followUnit(unit)) {
        const event = eventSchema.parse(line);
        if (event.kind === "frames") onProgress(event.frames);
      }
      return offered(stream, await agent.waitUnit(unit, { timeoutMs: 10_000 }));
    },
    offered: async (unit, stream) => {
      const agent = await hosts.agent(stream.source);
      const state = await agent.unit(unit);
      if (state === null || state.status === "running") return null;
      const output = await agent.waitUnit(unit, { timeoutMs: 10_000 });
      try {
        return offered(stream, output);
      } catch (error) {
        if (error instanceof CommandFailed || error instanceof NoExitStatus) return null;
        throw error;
      }
    },
    stop: async (fence, unit, stream) => {
      const agent = await hosts.agent(stream.source);
      if ((await agent.unit(unit)) !== null) await agent.stopUnit(fence, unit, { graceMs: 3000 });
    },
  };
};

/** Reads the unit's log up to an event. @throws {CommandFailed} when the unit ended before it. */
const until = async (
  agent: Agent,
  unit: string,
  stream: Stream,
  wanted: (event: GeneratorEvent) => boolean,
): Promise<void> => {
  for await (const line of agent.followUnit(unit)) if (wanted(eventSchema.parse(line))) return;
  offered(stream, await agent.waitUnit(unit, { timeoutMs: 10_000 }));
};

/** @throws {CommandFailed} the generator ended with an error or sent nothing. @throws {NoExitStatus} the unit was killed. */
const offered = (stream: Stream, output: UnitOutput): OfferedLoad => {
  const parsed = outcomeSchema.safeParse(output.result);
  if (!parsed.success)
    throw new NoExitStatus(
      `${stream.source}: the load unit ${output.state.name} left no result (${output.state.status}, exit ${output.state.exitCode ?? "none"})\nstderr:\n${output.stderr}`,
    );
  const { argv, exitCode, stdout, stderr, startUs } = parsed.data;
  const statistics = parseStatistics(stdout);
  if (exitCode !== 0 || statistics === null || startUs === null)
    throw new CommandFailed(stream.source, argv, {
      exitCode: exitCode ?? -1,
      stdout,
      stderr,
      durationMs: 0,
    });
  return {
    intendedFps: stream.fps,
    frames: statistics.frames,
    bytes: statistics.bytes,
    startUs,
    // The span of N frames is N intervals, the one after the last frame included.
    endUs: startUs + statistics.spanUs + Math.round(1e6 / stream.fps),
    executed: argv.join(" "),
  };
};
