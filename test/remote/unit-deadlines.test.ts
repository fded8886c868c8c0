/** Deadlines hold whoever was killed. Each test has an agent of its own, which it may kill; they wait side by side. */
import { readFile } from "node:fs/promises";
import { test } from "vitest";
import { lives, localAgent, until, withArgument } from "./local-agent.ts";
import type { LocalAgent } from "./local-agent.ts";

/** Long enough for several looks at every process of a busy machine. */
const deadlineMs = 6_000;
const patienceMs = 15_000;

const command = (...argv: string[]) => ({
  ...{ name: "u", deadlineMs },
  program: { kind: "command" as const, argv },
});
/** Seconds that no other process of this machine sleeps. */
const unlikely = () => `5432.${process.pid}${Math.floor(performance.now() * 1000)}`;
const runs = async (seconds: string) => (await withArgument(seconds)).length > 0;
async function ownAgent(onTestFinished: (end: () => Promise<void>) => void): Promise<LocalAgent> {
  const local = await localAgent();
  onTestFinished(() => local.end());
  return local;
}
const wrapperOf = async ({ runFolder }: LocalAgent): Promise<number> => {
  const record = await readFile(`${runFolder}/units/u/unit.json`, "utf8");
  return (JSON.parse(record) as { pid: number }).pid;
};

test.concurrent(
  "the deadline holds when wrapper and agent were killed, also for a child in a session of its own",
  async ({ expect, onTestFinished }) => {
    const local = await ownAgent(onTestFinished);
    const [own, other] = [unlikely(), `${unlikely()}1`];
    const script = `setsid sleep ${own} & sleep ${other}`;
    await local.agent.startUnit(local.fence(1), command("sh", "-c", script));
    await until("both run", async () => (await runs(own)) && (await runs(other)));
    const agent = await local.pid("agent");
    process.kill(agent, "SIGKILL");
    process.kill(await wrapperOf(local), "SIGKILL");
    await until("the agent is gone", async () => !(await lives(agent)));
    expect(await withArgument(own)).toHaveLength(1);
    await until(
      "both are ended",
      async () => !(await runs(own)) && !(await runs(other)),
      patienceMs,
    );
    expect((await local.agent.unit("u"))?.status).toBe("deadline");
  },
  40_000,
);

test.concurrent(
  "an agent that finds its watcher dead starts another, which keeps the deadline",
  async ({ expect, onTestFinished }) => {
    const local = await ownAgent(onTestFinished);
    const seconds = unlikely();
    await local.agent.startUnit(local.fence(1), command("sleep", seconds));
    await until("it runs", () => runs(seconds));
    const first = await local.pid("watcher");
    process.kill(first, "SIGKILL");
    await until("another watches", async () => (await local.pid("watcher")) !== first);
    process.kill(await wrapperOf(local), "SIGKILL");
    await until("the unit is ended", async () => !(await runs(seconds)), patienceMs);
    const ended = async () => (await local.agent.unit("u"))?.status !== "running";
    await until("its end is on record", ended);
    expect((await local.agent.unit("u"))?.status).toBe("deadline");
  },
  40_000,
);

test.concurrent(
  "a name that was swept may be used again, and its deadline is kept",
  async ({ expect, onTestFinished }) => {
    const local = await ownAgent(onTestFinished);
    const { agent } = local;
    await agent.startUnit(local.fence(1), command("true"));
    await agent.waitUnit("u", { timeoutMs: 5_000 });
    await agent.sweepUnits(local.fence(2));
    const seconds = unlikely();
    await agent.startUnit(local.fence(2), command("sleep", seconds));
    await until("it runs", () => runs(seconds));
    process.kill(await wrapperOf(local), "SIGKILL");
    await until("it is ended", async () => !(await runs(seconds)), patienceMs);
    const ended = async () => (await agent.unit("u"))?.status !== "running";
    await until("its end is on record", ended);
    expect((await agent.unit("u"))?.status).toBe("deadline");
  },
  40_000,
);
