/** An agent on this machine in a run folder of its own, without SSH; everything of it is ended by `end`. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { agentClient } from "../../remote/agent-client.ts";
import type { AgentConnection } from "../../remote/agent-client.ts";
import type { Fence } from "../../remote/agent.ts";
import { agentProgram, agentSocket, launcherSource } from "../../remote/agent-program.ts";

export interface LocalAgent {
  readonly agent: AgentConnection;
  readonly runFolder: string;
  readonly version: string;
  readonly bootId: string;
  fence(token: number): Fence;
  /** Pid of the agent, or of the watcher, as its file in the run folder says. */
  pid(of: "agent" | "watcher"): Promise<number>;
  end(): Promise<void>;
}

/** Runs the launcher; answers with its last line. `prefix` runs it elsewhere, as in a namespace. */
export const launch = async (
  runFolder: string,
  options: { idleMs?: number; prefix?: readonly string[] } = {},
): Promise<string> => {
  const program = await agentProgram();
  const [first = "python3", ...rest] = [...(options.prefix ?? []), "python3", "-"];
  const child = spawn(first, rest, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(launcherSource(program, runFolder, options));
  return text(child.stdout);
};

export const localAgent = async (
  options: { host?: string; idleMs?: number; prefix?: readonly string[] } = {},
): Promise<LocalAgent> => {
  const runFolder = await mkdtemp("/tmp/lh-agent-");
  const { version } = await agentProgram();
  const path = agentSocket(runFolder, version);
  const host = options.host ?? "A";
  const agent = agentClient(host, async () => (await opened(path)) ?? (await launched()));
  const launched = async (): Promise<Duplex> => {
    await launch(runFolder, options);
    const stream = await opened(path);
    if (stream === null) throw new Error(`no agent listens at ${path}`);
    return stream;
  };
  const { bootId } = await agent.identity();
  const pid = async (of: "agent" | "watcher") => {
    const record = await readFile(`${runFolder}/${of}-${version}.json`, "utf8");
    return (JSON.parse(record) as { pid: number }).pid;
  };
  return {
    agent,
    runFolder,
    version,
    bootId,
    fence: (token) => ({ token, bootIds: { [host]: bootId } }),
    pid,
    end: async () => {
      const { token } = await agent.identity();
      await agent.sweepUnits({ token: token + 1, bootIds: { [host]: bootId } });
      agent.close();
      const ending = await pid("agent");
      process.kill(ending, "SIGTERM");
      await until(`the agent ${ending} ends`, async () => !(await lives(ending)));
      const watching = await pid("watcher").catch(() => null);
      if (watching !== null) {
        await until(`the watcher ${watching} ends`, async () => !(await lives(watching)));
      }
      await rm(runFolder, { recursive: true, force: true });
    },
  };
};

const opened = (path: string): Promise<Duplex | null> =>
  new Promise((resolve) => {
    const stream = connect(path);
    stream.once("connect", () => resolve(stream));
    stream.once("error", () => resolve(null));
  });

/** Not gone and no zombie. */
export const lives = async (pid: number): Promise<boolean> => {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  return stat !== null && !/\) [ZX]/.test(stat);
};

/** Pids whose command line holds this text. */
export const withArgument = async (argument: string): Promise<number[]> => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found: number[] = [];
  for (const pid of pids) {
    const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (line.split("\0").includes(argument) && (await lives(pid))) found.push(pid);
  }
  return found;
};

export const until = async (
  what: string,
  holds: () => Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> => {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

export const all = async (lines: AsyncIterable<unknown>): Promise<unknown[]> => {
  const found: unknown[] = [];
  for await (const line of lines) found.push(line);
  return found;
};
