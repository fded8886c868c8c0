/**
 * Replays a capture of numbered frames at a constant rate, as the paper's NetFPGA generator did. On the
 * lab it keeps 1,000 to 100,000 frames/s within 0.02 %. How it is held ready: tcpreplay.py.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";
import type { OfferedLoad } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { captureBytes } from "../model/units.ts";
import type { Hosts, UnitOutput } from "../remote/agent.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import { calibrateBySteps } from "./calibration.ts";
import { framesInCapture } from "./capture.ts";
import type { Generator, Stream } from "./generator.ts";
import { parseStatistics, parseVersion } from "./tcpreplay-output.ts";

const source = ["./capture.py", "./tcpreplay.py"]
  .map((file) => readFileSync(new URL(file, import.meta.url), "utf8"))
  .join("\n");

/** A prepared generator waits at most this long for the load phase, beyond the phases before it. */
const waitMs = 600_000;
/** To send its first frame once it may. */
const startMs = 10_000;
/** To end, once it is about to. */
const endMs = 10_000;

const eventSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("ready"), atUs: z.number() }),
  z.object({ kind: z.literal("sending"), atUs: z.number() }),
  z.object({ kind: z.literal("frames"), frames: z.number() }),
]);

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
  const path = (unit: string) => `${testbed.runFolder}/generator/${shortName(unit)}`;

  const load: Generator["load"] = async (fence, unit, stream) => {
    const agent = await hosts.agent(stream.source);
    await agent.startUnit(fence, {
      name: unit,
      deadlineMs: waitMs + (stream.heldMs ?? 0) + stream.durationMs,
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
  };

  const generator: Generator = {
    name: "tcpreplay",
    version: async (host) => {
      const argv = ["tcpreplay", "--version"];
      const result = await (await hosts.agent(host)).read(argv);
      const version = parseVersion(result.stderr + result.stdout);
      if (version === null) throw new CommandFailed(host, argv, result);
      return version;
    },
    sequenceModulus: (stream) => framesInCapture(stream.frameSizeBytes),
    calibrate: (fence, order) => calibrateBySteps(generator, fence, order),
    load,
    prepare: async (fence, unit, stream) => {
      await load(fence, unit, stream);
      const agent = await hosts.agent(stream.source);
      for await (const line of agent.followUnit(unit))
        if (eventSchema.parse(line).kind === "ready") return;
      offered(stream, await agent.waitUnit(unit, { timeoutMs: endMs }));
    },
    start: async (fence, unit, stream) => {
      const agent = await hosts.agent(stream.source);
      try {
        const go = [{ send: "go", until: "^sending$" }];
        await agent.converse(fence, `${path(unit)}.start`, go, { timeoutMs: startMs });
      } catch (error) {
        if (!(error instanceof NoExitStatus)) throw error;
        const state = await agent.unit(unit);
        if (state === null) throw error;
        // Where it has ended its own words say why.
        offered(stream, await agent.waitUnit(unit, { timeoutMs: endMs }));
        throw error;
      }
    },
    finish: async (unit, stream, onProgress) => {
      const agent = await hosts.agent(stream.source);
      for await (const line of agent.followUnit(unit)) {
        const event = eventSchema.parse(line);
        if (event.kind === "frames") onProgress(event.frames);
      }
      return offered(stream, await agent.waitUnit(unit, { timeoutMs: endMs }));
    },
    offered: async (unit, stream) => {
      const agent = await hosts.agent(stream.source);
      const state = await agent.unit(unit);
      if (state === null || state.status === "running") return null;
      const output = await agent.waitUnit(unit, { timeoutMs: endMs });
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
  return generator;
};

/** A socket's path has at most 107 bytes (man 7 unix), the name of a unit up to 200. */
const shortName = (unit: string): string =>
  createHash("sha256").update(unit).digest("hex").slice(0, 16);

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
    refused: statistics.refused,
  };
};
