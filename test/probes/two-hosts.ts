/** Two network namespaces with a veth between them, an agent in each: needs root, and leaves nothing. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readlink } from "node:fs/promises";
import { execa } from "execa";
import { localAgent, until } from "../remote/local-agent.ts";
import type { LocalAgent } from "../remote/local-agent.ts";

export interface TwoHosts {
  readonly source: LocalAgent;
  readonly sink: LocalAgent;
  readonly sourceMac: string;
  readonly sinkMac: string;
  end(): Promise<void>;
}

export const twoHosts = async (): Promise<TwoHosts> => {
  const source = await namespace();
  const sink = await namespace();
  const [sourceMac, sinkMac] = ["02:4c:48:00:00:0a", "02:4c:48:00:00:0b"];
  const inside = (holder: ChildProcess, ...argv: string[]) =>
    execa("nsenter", [...enter(holder), ...argv]);
  await inside(
    source,
    "ip",
    "link",
    "add",
    "wire0",
    "address",
    sourceMac,
    "type",
    "veth",
    "peer",
    "name",
    "wire1",
    "address",
    sinkMac,
    "netns",
    String(sink.pid),
  );
  for (const [holder, device, address] of [
    [source, "wire0", "198.18.1.10/24"],
    [sink, "wire1", "198.18.1.11/24"],
  ] as const) {
    await inside(holder, "ip", "address", "add", address, "dev", device);
    await inside(holder, "ip", "link", "set", device, "up");
    await inside(holder, "ip", "link", "set", "lo", "up");
  }
  const agents = {
    source: await localAgent({ host: "A", prefix: ["nsenter", ...enter(source)] }),
    sink: await localAgent({ host: "B", prefix: ["nsenter", ...enter(sink)] }),
  };
  return {
    ...agents,
    sourceMac,
    sinkMac,
    end: async () => {
      await agents.source.end();
      await agents.sink.end();
      source.kill("SIGKILL");
      sink.kill("SIGKILL");
    },
  };
};

const enter = (holder: ChildProcess): string[] => ["-t", String(holder.pid), "-n"];

/** Held by a `sleep`, which outlives no test run by much. */
const namespace = async (): Promise<ChildProcess> => {
  const holder = spawn("unshare", ["--net", "sleep", "600"], { stdio: "ignore" });
  const own = await readlink("/proc/self/ns/net");
  await until("the namespace is there", async () => {
    const name = await readlink(`/proc/${holder.pid}/ns/net`).catch(() => own);
    return name !== own;
  });
  return holder;
};
