/** `Agent` over any stream to the agent's socket. A broken stream is opened again by the next call, never by itself. */
import type { Duplex } from "node:stream";
import { z } from "zod";
import type { ClockOffset } from "../model/measurement.ts";
import type { Agent, Fence, HostIdentity, UnitOutput, UnitState } from "./agent.ts";
import { openChannel } from "./channel.ts";
import type { Channel } from "./channel.ts";
import { parseSnapshot } from "./counter-snapshot.ts";
import { fastestOffset, wallUs } from "./clock.ts";
import { Fenced, NoExitStatus } from "./shell.ts";
import type { CommandResult } from "./shell.ts";

/** For answers that wait for nothing on the host. */
const promptMs = 15_000;
/** Beyond the host's own timeout: for the way there and back. */
const slackMs = 5_000;
const clockTrips = 8;

const identity = z.object({
  bootId: z.string(),
  kernel: z.string(),
  python: z.string(),
  agentVersion: z.string(),
  token: z.number(),
});
const unitState = z.object({
  name: z.string(),
  token: z.number(),
  status: z.enum(["running", "ended", "stopped", "deadline", "lost"]),
  exitCode: z.number().nullable(),
  signal: z.string().nullable(),
  startedUs: z.number(),
  endedUs: z.number().nullable(),
  deadlineUs: z.number(),
});
const unitOutput = z.object({
  state: unitState,
  result: z.unknown(),
  stdout: z.string(),
  stderr: z.string(),
});
const commandEnd = z.object({
  exitCode: z.number().nullable(),
  stdout: z.string(),
  stderr: z.string(),
});

const offloads = z.record(z.string(), z.record(z.string(), z.boolean().nullable()));

export interface AgentConnection extends Agent {
  /** Connects now, if not connected. @throws {NoExitStatus} */
  ready(): Promise<void>;
  close(): void;
}

/** `connect` brings the agent up where it does not run; it is called again after a break. */
export const agentClient = (host: string, connect: () => Promise<Duplex>): AgentConnection => {
  let open: Channel | null = null;
  let opening: Promise<Channel> | null = null;
  let closed = false;
  const channel = async (): Promise<Channel> => {
    if (closed) throw new NoExitStatus(`${host}: the connection to the agent was closed here`);
    if (open?.alive) return open;
    // All who call meanwhile share one attempt, and its failure.
    opening ??= connect()
      .then((stream) => (open = openChannel(host, stream)))
      .finally(() => (opening = null));
    return opening;
  };
  const request = async (verb: string, args: unknown, timeoutMs = promptMs): Promise<unknown> =>
    (await channel()).request(verb, args, timeoutMs);

  const here = (fence: Fence) => {
    const bootId = fence.bootIds[host];
    if (bootId === undefined) {
      throw new Fenced(`${host}: the fence expects no boot id of this host; nothing was sent`);
    }
    return { token: fence.token, bootId };
  };

  const command = async (
    verb: "read" | "act",
    args: Record<string, unknown>,
    argv: readonly string[],
    timeoutMs: number,
  ): Promise<CommandResult> => {
    const begun = performance.now();
    const end = commandEnd.parse(
      await request(verb, { ...args, argv, timeoutMs }, timeoutMs + slackMs),
    );
    if (end.exitCode === null) {
      throw new NoExitStatus(
        `${host}: \`${argv.join(" ")}\` was killed after ${timeoutMs} ms\nstderr:\n${end.stderr}\nstdout:\n${end.stdout}`,
      );
    }
    return { ...end, exitCode: end.exitCode, durationMs: performance.now() - begun };
  };

  return {
    host,
    ready: async () => {
      await channel();
    },
    identity: async (): Promise<HostIdentity> => ({
      host,
      ...identity.parse(await request("hello", {})),
    }),

    clock: async (): Promise<ClockOffset> => {
      const trips = [];
      for (let trip = 0; trip < clockTrips; trip++) {
        const sentUs = wallUs();
        const hostUs = z.number().parse(await request("clock", {}));
        trips.push({ sentUs, hostUs, receivedUs: wallUs() });
      }
      return fastestOffset(host, trips);
    },

    read: (argv, { timeoutMs = 30_000 } = {}) => command("read", {}, argv, timeoutMs),
    act: async (fence, argv, { timeoutMs = 30_000, stdin } = {}) =>
      command("act", { fence: here(fence), stdin: stdin ?? null }, argv, timeoutMs),

    readFiles: async (paths) =>
      z.record(z.string(), z.string().nullable()).parse(await request("readFiles", { paths })),

    counters: async () => parseSnapshot(host, await request("counters", {})),

    offloads: async (devices) => offloads.parse(await request("offloads", { devices })),

    raise: async (fence) => {
      await request("raise", { fence: here(fence) });
    },

    converse: async (fence, socket, exchange, { timeoutMs = 10_000 } = {}) =>
      z
        .array(z.string())
        .parse(
          await request(
            "converse",
            { fence: fence === null ? null : here(fence), socket, exchange, timeoutMs },
            timeoutMs + slackMs,
          ),
        ),

    startUnit: async (fence, order) =>
      unitState.parse(await request("startUnit", { fence: here(fence), order })),
    unit: async (name): Promise<UnitState | null> =>
      unitState.nullable().parse(await request("unit", { name })),
    units: async () => z.array(unitState).parse(await request("units", {})),

    async *followUnit(name, from = 0) {
      yield* (await channel()).lines("follow", { name, from });
    },

    waitUnit: async (name, { timeoutMs }): Promise<UnitOutput> =>
      unitOutput.parse(await request("waitUnit", { name, timeoutMs }, timeoutMs + slackMs)),

    stopUnit: async (fence, name, { graceMs = 5_000 } = {}): Promise<UnitOutput> =>
      unitOutput.parse(
        await request("stopUnit", { fence: here(fence), name, graceMs }, graceMs + promptMs),
      ),

    sweepUnits: async (fence) => {
      await request("sweepUnits", { fence: here(fence) }, 2 * promptMs);
    },

    close: () => {
      closed = true;
      open?.close();
      opening?.then(
        (late) => late.close(),
        () => undefined, // whoever asked for it is told
      );
    },
  };
};
