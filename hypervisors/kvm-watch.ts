/** A QEMU guest watched from its host: its monitor, its threads, its console, its log. */
import { z } from "zod";
import type { GuestSpec } from "../model/guest.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Agent, Hosts } from "../remote/agent.ts";
import { NoExitStatus } from "../remote/shell.ts";
import { read } from "./acts.ts";
import type { Watchable } from "./hypervisor.ts";
import { guestFiles } from "./kvm-command-line.ts";
import { qemuPid, stateOf } from "./kvm-process.ts";
import { qmp } from "./qmp.ts";

const status = z.object({ status: z.string() });
const migration = z.object({
  status: z.string().optional(),
  ram: z
    .object({
      transferred: z.number(),
      remaining: z.number(),
      "dirty-sync-count": z.number().optional(),
      "dirty-pages-rate": z.number().optional(),
    })
    .optional(),
});

/** Argument: pid. One line a thread: tid, state, its schedstat (ns on a CPU, ns waiting for one, slices), name. */
const threadsScript = `
cd "/proc/$1/task" || exit 1
for tid in *; do
  read -r times <"$tid/schedstat" && read -r name <"$tid/comm" || continue
  state=$(sed -n 's/^State:[[:space:]]*\\([A-Za-z]\\).*/\\1/p' "$tid/status")
  echo "$tid $state $times $name"
done
`;
/** debug-threads=on names them: `CPU 0/KVM`, `CPU 0/TCG`. */
const vcpuName = /^CPU \d+\//;
const consoleLines = 40;
const logCharacters = 4000;

export const kvmWatch = (testbed: Testbed, hosts: Hosts): Watchable => {
  const { runFolder } = testbed;
  const ask = (agent: Agent, guest: GuestSpec, timeoutMs: number) =>
    qmp(
      agent,
      null,
      guestFiles(runFolder, guest.name).monitor,
      [{ execute: "query-status" }, { execute: "query-migrate" }],
      { timeoutMs },
    );
  const threads = async (agent: Agent, guest: GuestSpec) => {
    const { pid } = await qemuPid(agent, guest, runFolder);
    return pid === null
      ? null
      : parseThreads(await read(agent, ["sh", "-c", threadsScript, "sh", String(pid)]));
  };

  return {
    glance: async (host, guest, timeoutMs) => {
      const agent = await hosts.agent(host);
      const gone = async () => {
        const { known, pid } = await qemuPid(agent, guest, runFolder);
        if (pid !== null) return null;
        return { state: known ? ("stopped" as const) : ("absent" as const), progress: null };
      };
      try {
        const [here, moving] = await ask(agent, guest, timeoutMs);
        const { ram } = migration.parse(moving);
        return {
          state: stateOf(status.parse(here).status),
          progress:
            ram === undefined
              ? null
              : {
                  transferredBytes: ram.transferred,
                  remainingBytes: ram.remaining,
                  iteration: ram["dirty-sync-count"] ?? null,
                  dirtyRatePagesPerSecond: ram["dirty-pages-rate"] ?? null,
                },
        };
      } catch (error) {
        const ended = error instanceof NoExitStatus ? await gone() : null;
        if (ended === null) throw error;
        return ended;
      }
    },

    vcpuTimes: async (host, guest) => {
      const all = await threads(await hosts.agent(host), guest);
      const vcpus = all?.filter(({ name }) => vcpuName.test(name)) ?? [];
      return vcpus.length === 0 ? null : vcpus;
    },

    evidence: async (host, guest, timeoutMs) => {
      const agent = await hosts.agent(host);
      const files = guestFiles(runFolder, guest.name);
      const text = async (path: string) => {
        const { [path]: content } = await agent.readFiles([path]);
        return content ?? null;
      };
      const [monitor, own, processes, console, log] = await Promise.all([
        told(async () => {
          const [queryStatus, queryMigrate] = await ask(agent, guest, timeoutMs);
          return { queryStatus, queryMigrate };
        }),
        told(() => threads(agent, guest)),
        told(() => read(agent, ["ps", "-eo", "pid,ppid,stat,wchan:20,time,args", "-ww"])),
        told(async () => (await text(files.console))?.split(/\r?\n/).slice(-consoleLines)),
        told(async () => (await text(files.errors))?.slice(-logCharacters)),
      ]);
      return { monitor, threads: own, processes, console, log };
    },
  };
};

/** What a question brought, or how it failed: the rest of the evidence counts all the same. */
const told = async (question: () => Promise<unknown>): Promise<unknown> => {
  try {
    return (await question()) ?? null;
  } catch (error) {
    return { failed: String(error) };
  }
};

const parseThreads = (text: string) =>
  text
    .trim()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [tid, state = "?", ran, waited, , ...name] = line.trim().split(/\s+/);
      return {
        tid: Number(tid),
        name: name.join(" "),
        state,
        ranMs: Number(ran) / 1e6,
        waitedMs: Number(waited) / 1e6,
      };
    });
