/** Live migration with QEMU: both ends' events and the order itself are units, read now or afterwards. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { MigrationProgress, MigrationReport } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Agent, Hosts } from "../remote/agent.ts";
import type { Migrates, MigrationOrder } from "./hypervisor.ts";
import { guestFiles, type GuestStart } from "./kvm-command-line.ts";
import { endQemu, qemuPid, qemuState, startQemu } from "./kvm-process.ts";
import { qmp } from "./qmp.ts";
import { migrationAddress } from "./wiring.ts";

const migrationPort = 4444;
/** How often the source is asked; its events come by themselves. */
const pollMs = 20;
/** The unit cancels by itself at the order's deadline; the host's watcher is the second net. */
const deadlineSlackMs = 30_000;

const source = (...files: readonly string[]) =>
  files.map((file) => readFileSync(join(import.meta.dirname, file), "utf8")).join("\n\n");

const phase = z.object({ name: z.string(), atUs: z.number() });
const progress = z.object({
  atUs: z.number(),
  transferredBytes: z.number().nullable(),
  remainingBytes: z.number().nullable(),
  iteration: z.number().nullable(),
  dirtyRatePagesPerSecond: z.number().nullable(),
});
const sourceResult = z.object({
  status: z.enum(["completed", "failed", "cancelled", "unknown"]),
  reason: z.string().nullable(),
  commandUs: z.number(),
  endUs: z.number().nullable(),
  totalTimeMs: z.number().nullable(),
  downtimeMs: z.number().nullable(),
  setupTimeMs: z.number().nullable(),
  transferredBytes: z.number().nullable(),
  phases: z.array(phase),
  progress: z.array(progress),
});
const destinationResult = z.object({ phases: z.array(phase), gone: z.boolean() });
const logLine = z.object({ phase: phase.optional(), progress: progress.optional() });

const incomingUnit = (order: MigrationOrder) => `${order.unit}.incoming`;

export const kvmMigration = (
  testbed: Testbed,
  hosts: Hosts,
  startOf: (order: MigrationOrder, incoming: string | null) => GuestStart,
): Migrates => {
  const { runFolder } = testbed;
  const uriOf = (order: MigrationOrder) =>
    `tcp:${migrationAddress(testbed, order.destination)}:${migrationPort}`;

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
      ? told.data
      : { ...(await logged(here, order.unit)), commandUs: state.startedUs, endUs: state.endedUs };
    const reason = told.success
      ? told.data.reason
      : `the migration's unit on ${order.source}: ${state.status}\n${stderr}`.trim();
    const destination = await destinationPhases(there, order, account.status === "completed");
    return {
      ...account,
      reason,
      source: order.source,
      destination: order.destination,
      memoryBytes: order.guest.memoryMib * 2 ** 20,
      phases: [
        ...account.phases.map((one) => ({ ...one, host: order.source })),
        ...destination.map((one) => ({ ...one, host: order.destination })),
      ],
    };
  };

  return {
    prepareMigration: async (fence, order) => {
      const agent = await hosts.agent(order.destination);
      const state = await qemuState(agent, order.guest, runFolder);
      if (state !== "incoming" && state !== "absent")
        await endQemu(agent, fence, order.guest, runFolder);
      await Promise.all([
        state === "incoming"
          ? null
          : startQemu(agent, fence, order.guest, startOf(order, uriOf(order))),
        agent.startUnit(fence, {
          name: incomingUnit(order),
          program: {
            kind: "python",
            source: source("qmp.py", "kvm-incoming.py"),
            args: { monitor: guestFiles(runFolder, order.guest.name).migrationMonitor },
          },
          // Traffic and waits of the trial come before the order; the watcher costs nothing meanwhile.
          deadlineMs: order.deadlineMs + 600_000,
        }),
      ]);
      // Its first line: from then on no event is missed. An end without one shows in the report.
      await agent.followUnit(incomingUnit(order))[Symbol.asyncIterator]().next();
    },

    migrate: async (fence, order, onProgress) => {
      const agent = await hosts.agent(order.source);
      await agent.startUnit(fence, {
        name: order.unit,
        program: {
          kind: "python",
          source: source("qmp.py", "kvm-migration.py"),
          args: {
            monitor: guestFiles(runFolder, order.guest.name).migrationMonitor,
            uri: uriOf(order),
            deadlineMs: order.deadlineMs,
            pollMs,
          },
        },
        deadlineMs: order.deadlineMs + deadlineSlackMs,
      });
      for await (const line of agent.followUnit(order.unit)) {
        const { progress: seen } = logLine.parse(line);
        if (seen) onProgress(seen);
      }
      await agent.waitUnit(order.unit, { timeoutMs: 5_000 });
      const report = await accountOf(order);
      if (!report) throw new Error(`${order.source}: no unit ${order.unit} after its own end`);
      return report;
    },

    report: accountOf,

    abort: async (fence, order) => {
      const agent = await hosts.agent(order.source);
      if ((await qemuPid(agent, order.guest, runFolder)).pid === null) return;
      const { monitor } = guestFiles(runFolder, order.guest.name);
      // Succeeds with nothing to cancel; the unit sees it, logs it and ends.
      await qmp(agent, fence, monitor, [{ execute: "migrate_cancel" }]);
      if (await agent.unit(order.unit)) await agent.waitUnit(order.unit, { timeoutMs: 15_000 });
      const state = await qemuState(agent, order.guest, runFolder);
      // `stopped`: it had completed before; where the router is now is for `inspect` to say.
      if (state !== "running" && state !== "stopped")
        throw new Error(`${order.source}: after migrate_cancel ${order.guest.name} is ${state}`);
    },

    release: async (fence, order) => {
      const agent = await hosts.agent(order.source);
      const state = await qemuState(agent, order.guest, runFolder);
      // A source that runs or could run is no leftover: ending it might end the only router.
      if (state !== "stopped" && state !== "absent")
        throw new Error(
          `${order.source}: ${order.guest.name} is ${state}, not what a good migration leaves; inspect both hosts`,
        );
      await endQemu(agent, fence, order.guest, runFolder);
    },
  };
};

/** What a unit that was killed had logged until then. */
const logged = async (agent: Agent, unit: string) => {
  const lines = [];
  for await (const line of agent.followUnit(unit)) lines.push(logLine.parse(line));
  const seen: MigrationProgress[] = lines.flatMap((line) => line.progress ?? []);
  return {
    status: "unknown" as const,
    totalTimeMs: null,
    downtimeMs: null,
    setupTimeMs: null,
    transferredBytes: seen.at(-1)?.transferredBytes ?? null,
    phases: lines.flatMap((line) => line.phase ?? []),
    progress: seen,
  };
};

/** After a completed migration the destination's watcher ends by itself as soon as the guest runs there. */
const destinationPhases = async (agent: Agent, order: MigrationOrder, completed: boolean) => {
  const unit = await agent.unit(incomingUnit(order));
  if (!unit || (unit.status === "running" && !completed)) return [];
  const { result } = await agent.waitUnit(incomingUnit(order), { timeoutMs: 10_000 });
  const told = destinationResult.safeParse(result);
  return told.success ? told.data.phases : [];
};
