import type { Testbed } from "../model/testbed.ts";
import type { Hosts } from "./agent.ts";
import { agentClient } from "./agent-client.ts";
import type { AgentConnection } from "./agent-client.ts";
import { connectAgent } from "./agent-process.ts";
import { NoExitStatus } from "./shell.ts";
import { ssh } from "./ssh.ts";
import type { Ssh, SshOptions } from "./ssh.ts";

/** Connections to a testbed's hosts, each made when first used and kept; after a break the next call makes a new one. */
export const openHosts = (testbed: Testbed, options: SshOptions = {}): Hosts => {
  const links = new Map<string, Ssh>();
  const agents = new Map<string, AgentConnection>();

  const open = (name: string): AgentConnection => {
    const host = Object.values(testbed.hosts).find((one) => one.name === name);
    if (host === undefined) {
      const known = Object.keys(testbed.hosts).join(", ");
      throw new NoExitStatus(`${name}: testbed ${testbed.name} has no such host; known: ${known}`);
    }
    const link = ssh(name, host.reach, options);
    links.set(name, link);
    return agentClient(name, () => connectAgent(name, link, testbed.runFolder, host.privilege));
  };

  return {
    agent: async (name) => {
      const agent = agents.get(name) ?? open(name);
      agents.set(name, agent);
      await agent.ready();
      return agent;
    },
    close: () => {
      for (const agent of agents.values()) agent.close();
      for (const link of links.values()) link.close();
      agents.clear();
      links.clear();
      return Promise.resolve();
    },
  };
};
