/** A guest of Xen watched from its host: the toolstack's lists, the console, the hypervisor's own log. */
import { z } from "zod";
import type { GuestSpec } from "../model/guest.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Hosts } from "../remote/agent.ts";
import { CommandFailed } from "../remote/shell.ts";
import { read } from "./acts.ts";
import type { Watchable } from "./hypervisor.ts";
import { consoleText } from "./xen-console.ts";
import { xenFiles } from "./xen-config.ts";
import { toolstackMs } from "./xen-process.ts";
import { guestStateOf, parseVcpuTimes, parseXlList } from "./xen-list.ts";

const progress = z.object({
  transferredBytes: z.number().nullable(),
  remainingBytes: z.number().nullable(),
  iteration: z.number().nullable(),
  dirtyRatePagesPerSecond: z.number().nullable(),
});
const consoleLines = 40;
const logLines = 60;

export const xenWatch = (testbed: Testbed, hosts: Hosts): Watchable => {
  const filesOf = (guest: GuestSpec) => xenFiles(testbed.runFolder, guest.name);
  return {
    glance: async (host, guest, timeoutMs) => {
      const agent = await hosts.agent(host);
      const files = filesOf(guest);
      const argv = ["xl", "list"];
      const [listed, found] = await Promise.all([
        agent.read(argv, { timeoutMs }),
        agent.readFiles([files.progress, files.incoming]),
      ]);
      if (listed.exitCode !== 0) throw new CommandFailed(host, argv, listed);
      const state = guestStateOf(
        parseXlList(listed.stdout),
        guest.name,
        found[files.incoming] != null,
      );
      const text = found[files.progress];
      return { state, progress: text == null ? null : progress.parse(JSON.parse(text)) };
    },

    vcpuTimes: async (host, guest) => {
      const agent = await hosts.agent(host);
      const times = parseVcpuTimes(
        await read(agent, ["xl", "vcpu-list"], { timeoutMs: toolstackMs }),
        guest.name,
      );
      // Xen does not tell how long they waited for a CPU.
      return (
        times?.map((ranS, index) => ({ name: `vCPU ${index}`, ranMs: ranS * 1000, waitedMs: 0 })) ??
        null
      );
    },

    evidence: async (host, guest, timeoutMs) => {
      const agent = await hosts.agent(host);
      const said = (argv: readonly string[]) => async () => {
        const result = await agent.read(argv, { timeoutMs });
        return result.exitCode === 0
          ? result.stdout
          : new CommandFailed(host, argv, result).message;
      };
      const [domains, vcpus, interfaces, hypervisor, processes, console] = await Promise.all(
        [
          said(["xl", "list", "-v"]),
          said(["xl", "vcpu-list"]),
          said(["xl", "network-list", guest.name]),
          said(["sh", "-c", `xl dmesg | tail -n ${logLines}`]),
          said(["ps", "-eo", "pid,ppid,stat,wchan:20,time,args", "-ww"]),
          async () => (await consoleText(agent, guest)).split(/\r?\n/).slice(-consoleLines),
        ].map(told),
      );
      return { domains, vcpus, interfaces, hypervisor, processes, console };
    },
  };
};

/** What a question brought, or how it failed: the rest of the evidence counts all the same. */
const told = async (question: () => Promise<unknown>): Promise<unknown> => {
  try {
    return await question();
  } catch (error) {
    return { failed: String(error) };
  }
};
