/**
 * Live migration with `xl migrate`. Its transport is no ssh, whose cipher would cost an emulated dom0 more than
 * the migration, but a plain TCP connection on the migration link: at the destination a unit waits for it and
 * hands it to `xl migrate-receive`, at the source the order itself is a unit.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { MigrationReport } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Agent, Hosts } from "../remote/agent.ts";
import { act } from "./acts.ts";
import type { Migrates, MigrationOrder } from "./hypervisor.ts";
import { migrationAddress, vifOf } from "./wiring.ts";
import { xenFiles } from "./xen-config.ts";
import { outcomeOfXl } from "./xen-outcome.ts";
import { destroyDomain, domainState, putGuestFiles } from "./xen-process.ts";

/** As xend's own, which 4.17 no longer has. */
const migrationPort = 8002;
/** For the helper's own way out at the deadline; the host's watcher is the second net. */
const deadlineSlackMs = 60_000;
/** An abort waits for xl to start its helper (30 s at most), for the helper (10 s), then for xl (30 s). */
const abortMs = 75_000;

const source = (file: string) =>
  ["xen-unit.py", file]
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
    .join("\n\n");

const phase = z.object({ name: z.string(), atUs: z.number() });
const progress = z.object({
  atUs: z.number(),
  transferredBytes: z.number().nullable(),
  remainingBytes: z.number().nullable(),
  iteration: z.number().nullable(),
  dirtyRatePagesPerSecond: z.number().nullable(),
});
const sourceResult = z.object({
  exitCode: z.number().nullable(),
  ended: z.string().nullable(),
  commandUs: z.number(),
  endUs: z.number(),
  stderr: z.string(),
  phases: z.array(phase),
  progress: z.array(progress),
});
const destinationResult = z.object({ phases: z.array(phase) });
const logLine = z.object({ phase: phase.optional(), progress: progress.optional() });

const incomingUnit = (order: MigrationOrder) => `${order.unit}.incoming`;

export const xenMigration = (
  testbed: Testbed,
  hosts: Hosts,
  configOf: (order: MigrationOrder) => string,
): Migrates => {
  const { runFolder } = testbed;
  const filesOf = (order: MigrationOrder) => xenFiles(runFolder, order.guest.name);

  /** Both hosts' accounts of a unit that has ended, however it did. */
  const accountOf = async (order: MigrationOrder): Promise<MigrationReport | null> => {
    const [here, there] = await Promise.all([
      hosts.agent(order.source),
      hosts.agent(order.destination),
    ]);
    const state = await here.unit(order.unit);
    if (state === null || state.status === "running") return null;
    const { result, stderr } = await here.waitUnit(order.unit, { timeoutMs: 5_000 });
    const told = sourceResult.safeParse(result);
    const account = told.success
      ? { ...told.data, ...outcomeOfXl(told.data) }
      : {
          ...(await logged(here, order.unit)),
          status: "unknown" as const,
          reason: `the migration's unit on ${order.source}: ${state.status}\n${stderr}`.trim(),
          commandUs: state.startedUs,
          endUs: state.endedUs,
        };
    const { status, reason, commandUs, endUs } = account;
    const completed = status === "completed";
    const destination = await destinationPhases(there, order, completed);
    return {
      status,
      reason,
      source: order.source,
      destination: order.destination,
      memoryBytes: order.guest.memoryMib * 2 ** 20,
      commandUs,
      endUs,
      // xl reports none of these: total time is from the order to xl's own end; downtime is the traffic's to tell.
      totalTimeMs: completed && endUs !== null ? (endUs - commandUs) / 1000 : null,
      downtimeMs: null,
      setupTimeMs: null,
      transferredBytes: account.progress.at(-1)?.transferredBytes ?? null,
      progress: account.progress,
      phases: [
        ...account.phases.map((one) => ({ ...one, host: order.source })),
        ...destination.map((one) => ({ ...one, host: order.destination })),
      ],
    };
  };

  return {
    prepareMigration: async (fence, order) => {
      const agent = await hosts.agent(order.destination);
      const state = await domainState(agent, runFolder, order.guest);
      if (state !== "absent" && state !== "incoming")
        await destroyDomain(agent, fence, runFolder, order.guest, order.guest.nics.map(vifOf));
      await putGuestFiles(agent, fence, runFolder, order.guest, configOf(order));
      await agent.startUnit(fence, {
        name: incomingUnit(order),
        program: {
          kind: "python",
          source: source("xen-incoming.py"),
          args: {
            address: migrationAddress(testbed, order.destination),
            port: migrationPort,
            source: migrationAddress(testbed, order.source),
            marker: filesOf(order).incoming,
          },
        },
        // Traffic and waits of the trial come before the order; the listener costs nothing meanwhile.
        deadlineMs: order.deadlineMs + 600_000,
      });
      // Its first line: from then on the source finds it. An end without one shows in the report.
      await agent.followUnit(incomingUnit(order))[Symbol.asyncIterator]().next();
    },

    migrate: async (fence, order, onProgress) => {
      const agent = await hosts.agent(order.source);
      const { relay, acked, abort, progress: file } = filesOf(order);
      await agent.startUnit(fence, {
        name: order.unit,
        program: {
          kind: "python",
          source: source("xen-migration.py"),
          args: {
            guest: order.guest.name,
            relay,
            acked,
            abort,
            progress: file,
            address: migrationAddress(testbed, order.destination),
            port: migrationPort,
            deadlineMs: order.deadlineMs,
          },
        },
        deadlineMs: order.deadlineMs + deadlineSlackMs,
      });
      for await (const line of agent.followUnit(order.unit)) {
        const { progress: seen } = logLine.parse(line);
        if (seen) onProgress(seen);
      }
      await agent.waitUnit(order.unit, { timeoutMs: 15_000 });
      const report = await accountOf(order);
      if (!report) throw new Error(`${order.source}: no unit ${order.unit} after its own end`);
      return report;
    },

    report: accountOf,

    abort: async (fence, order) => {
      const agent = await hosts.agent(order.source);
      // The unit ends the save helper, the one way that leaves the guest as it was.
      if ((await agent.unit(order.unit))?.status === "running") {
        await act(agent, fence, ["touch", filesOf(order).abort]);
        await agent.waitUnit(order.unit, { timeoutMs: abortMs });
      }
      const state = await domainState(agent, runFolder, order.guest);
      // `absent`: it had completed before; where the router is now is for `inspect` to say.
      if (state !== "running" && state !== "stopped" && state !== "absent")
        throw new Error(`${order.source}: after the abort ${order.guest.name} is ${state}`);
    },

    release: async (fence, order) => {
      const agent = await hosts.agent(order.source);
      const state = await domainState(agent, runFolder, order.guest);
      // A source that runs or could run is no leftover: ending it might end the only router.
      if (state !== "stopped" && state !== "absent")
        throw new Error(
          `${order.source}: ${order.guest.name} is ${state}, not what a good migration leaves; inspect both hosts`,
        );
      await destroyDomain(agent, fence, runFolder, order.guest, order.guest.nics.map(vifOf));
    },
  };
};

/** What a unit that was killed had logged until then. */
const logged = async (agent: Agent, unit: string) => {
  const lines = [];
  for await (const line of agent.followUnit(unit)) lines.push(logLine.parse(line));
  return {
    phases: lines.flatMap((line) => line.phase ?? []),
    progress: lines.flatMap((line) => line.progress ?? []),
  };
};

/** After a completed migration the destination's unit ends by itself as soon as the guest runs there. */
const destinationPhases = async (agent: Agent, order: MigrationOrder, completed: boolean) => {
  const unit = await agent.unit(incomingUnit(order));
  if (!unit) return [];
  if (unit.status === "running" && !completed) return [];
  const { result } = await agent.waitUnit(incomingUnit(order), { timeoutMs: 30_000 });
  const told = destinationResult.safeParse(result);
  return told.success ? told.data.phases : [];
};
