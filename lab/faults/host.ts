/** Faults of a host: its SSH, its power, its agent. */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostPower } from "../host-power.ts";
import { hostFolder } from "../namespace-host.ts";
import {
  commandLine,
  isAlive,
  killAll,
  processesIn,
  until,
  type ProcessRecord,
} from "../processes.ts";
import type { HostRecord } from "../records.ts";
import { relay, silentMark } from "../ssh-access.ts";
import { runFolder } from "../testbed.ts";
import { liveHost, nothingMore, type Fault } from "./fault.ts";
import { stopProcesses } from "./stop.ts";

const hostOf = (order: Parameters<Fault>[0]["order"]) => order.host ?? "R1";

/** Connections that are open stand still; the reach script answers no new one while the mark is there. */
export const sshBlackhole: Fault = ({ state, lab, order }) => {
  const name = hostOf(order);
  const host = liveHost(lab, name);
  const mark = join(hostFolder(state, name), silentMark(host.pid));
  // A machine's own servers are out of reach; its relays carry all that is said to them.
  const servers = processesIn(new Set([host.namespaces.pid, host.namespaces.net])).filter(
    ({ pid }) => commandLine(pid)[0]?.includes("sshd") === true || commandLine(pid).includes(relay),
  );
  return Promise.resolve({
    host: name,
    detail: `${servers.length} SSH connections of ${name} stand still, new ones are not answered`,
    undo: [
      { kind: "remove", path: mark },
      { kind: "continue", processes: servers },
    ],
    make: async () => {
      writeFileSync(mark, "");
      await stopProcesses(servers);
      return nothingMore();
    },
  });
};

export const powerOff: Fault = ({ state, lab, order }) => {
  const name = hostOf(order);
  liveHost(lab, name);
  return Promise.resolve({
    host: name,
    detail: `${name} has no power`,
    undo: [{ kind: "power-on", host: name }],
    make: async () => {
      await hostPower(state).off(name);
      return nothingMore();
    },
  });
};

/** Agents write down who they are; numbers differ in the host, its processes' start times do not. */
const agentsOf = (host: HostRecord): readonly ProcessRecord[] => {
  const folder = `/proc/${host.pid}/root${runFolder}`;
  const starts = globSync("agent-*.json", { cwd: folder }).map((file) => {
    const { startTime } = JSON.parse(readFileSync(join(folder, file), "utf8")) as {
      startTime: number;
    };
    return startTime;
  });
  return processesIn(new Set([host.namespaces.pid])).filter(
    ({ pid, startTicks }) => starts.includes(startTicks) && commandLine(pid)[0]?.includes("python"),
  );
};

export const agentKill: Fault = ({ lab, order }) => {
  const name = hostOf(order);
  const host = liveHost(lab, name);
  const agents = agentsOf(host);
  if (agents.length === 0) throw new Error(`${name}: no node agent runs there`);
  return Promise.resolve({
    host: name,
    detail: `node agent ${agents.map(({ pid }) => pid).join(", ")} on ${name} is killed`,
    undo: [],
    make: async () => {
      killAll(agents);
      await until(`the end of ${name}'s agent`, () => !agents.some(isAlive), 5_000);
      return nothingMore();
    },
  });
};
