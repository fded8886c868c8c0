import { mkdir, readFile, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { UnitOrder } from "../../remote/agent.ts";
import { Fenced } from "../../remote/shell.ts";
import { all, launch, lives, localAgent, until, withArgument } from "./local-agent.ts";
import type { LocalAgent } from "./local-agent.ts";

let local: LocalAgent;
/** Raised after every test, so that the sweep ends whatever a test left. */
let token = 1;
const fence = (of = token) => local.fence(of);
beforeAll(async () => {
  local = await localAgent();
});
afterEach(() => local.agent.sweepUnits(fence(++token)));
afterAll(() => local.end());

const command = (name: string, deadlineMs: number, ...argv: string[]): UnitOrder => ({
  name,
  deadlineMs,
  program: { kind: "command", argv },
});
const python = (name: string, source: string, args: unknown = null): UnitOrder => ({
  name,
  deadlineMs: 10_000,
  program: { kind: "python", source, args },
});
/** Seconds that no other process of this machine sleeps. */
const unlikely = () => `4321.${process.pid}${Math.floor(performance.now() * 1000)}`;
const wrapperOf = async (name: string): Promise<number> => {
  const record = await readFile(`${local.runFolder}/units/${name}/unit.json`, "utf8");
  return (JSON.parse(record) as { pid: number }).pid;
};

test("a command unit keeps its exit code and its output", async () => {
  const { agent } = local;
  await agent.startUnit(fence(), command("u", 5_000, "sh", "-c", "echo out; echo err >&2; exit 7"));
  const output = await agent.waitUnit("u", { timeoutMs: 5_000 });
  expect(output).toMatchObject({ result: null, stdout: "out\n", stderr: "err\n" });
  expect(output.state).toMatchObject({ status: "ended", exitCode: 7, signal: null, token });
});

test("a program that does not exist ends with 127 and says so", async () => {
  await local.agent.startUnit(fence(), command("u", 5_000, "/no/such/program"));
  const output = await local.agent.waitUnit("u", { timeoutMs: 5_000 });
  expect(output.state.exitCode).toBe(127);
  expect(output.stderr).toContain("/no/such/program");
});

test("a name starts one program, however often it is ordered", async () => {
  const { agent } = local;
  const seconds = unlikely();
  const order = command("u", 10_000, "sleep", seconds);
  const states = await Promise.all([1, 2, 3].map(() => agent.startUnit(fence(), order)));
  expect(new Set(states.map((state) => state.startedUs)).size).toBe(1);
  await until("the program runs", async () => (await withArgument(seconds)).length > 0);
  expect(await withArgument(seconds)).toHaveLength(1);
  await agent.stopUnit(fence(), "u");
  expect((await agent.startUnit(fence(), order)).status).toBe("stopped");
  expect(await withArgument(seconds)).toEqual([]);
});

test("a python unit's lines are followed from any line on, and its result is kept", async () => {
  const { agent } = local;
  const source =
    "def main(args, unit):\n  for i in range(args):\n    unit.emit(i)\n  return {'n': args}\n";
  await agent.startUnit(fence(), python("u", source, 5));
  expect(await all(agent.followUnit("u"))).toEqual([0, 1, 2, 3, 4]);
  expect(await all(agent.followUnit("u", 3))).toEqual([3, 4]);
  expect((await agent.waitUnit("u", { timeoutMs: 5_000 })).result).toEqual({ n: 5 });
});

test("a python unit that raises ends with 1 and its traceback", async () => {
  await local.agent.startUnit(
    fence(),
    python("u", "def main(args, unit):\n  raise ValueError('no')\n"),
  );
  const output = await local.agent.waitUnit("u", { timeoutMs: 5_000 });
  expect(output.state.exitCode).toBe(1);
  expect(output.stderr).toContain("ValueError: no");
});

test("a python unit that is asked to end returns its result", async () => {
  const source =
    "def main(args, unit):\n  unit.emit('up')\n  while not unit.wait(60): pass\n  return 'done'\n";
  await local.agent.startUnit(fence(), python("u", source));
  for await (const line of local.agent.followUnit("u")) {
    expect(line).toBe("up");
    break;
  }
  const output = await local.agent.stopUnit(fence(), "u");
  expect(output.result).toBe("done");
  expect(output.state.status).toBe("stopped");
  expect(await local.agent.stopUnit(fence(), "u")).toEqual(output);
});

test("a unit that is asked to end before its program runs hears of it, and its result is kept", async () => {
  const { agent } = local;
  const source = "def main(args, unit):\n  while not unit.wait(60): pass\n  return 'done'\n";
  const names = ["u1", "u2", "u3", "u4"];
  const outputs = await Promise.all(
    names.flatMap((name) => [
      agent.startUnit(fence(), python(name, source)),
      agent.stopUnit(fence(), name, { graceMs: 9_000 }),
    ]),
  );
  expect(outputs.filter((one) => "result" in one)).toMatchObject(
    names.map(() => ({ result: "done", state: { status: "stopped", exitCode: 0 } })),
  );
});

test("an answer of 20 MB comes whole", async () => {
  await local.agent.startUnit(
    fence(),
    python("u", "def main(args, unit):\n  return 'x' * 20_000_000\n"),
  );
  const { result } = await local.agent.waitUnit("u", { timeoutMs: 15_000 });
  expect((result as string).length).toBe(20_000_000);
});

test("a unit that ignores SIGTERM is killed after its grace", async () => {
  const seconds = unlikely();
  await local.agent.startUnit(
    fence(),
    command("u", 20_000, "sh", "-c", `trap '' TERM; sleep ${seconds}; sleep ${seconds}`),
  );
  await until("it runs", async () => (await withArgument(seconds)).length > 0);
  const { state } = await local.agent.stopUnit(fence(), "u", { graceMs: 200 });
  expect(state).toMatchObject({ status: "stopped", signal: "SIGKILL" });
  expect(await withArgument(seconds)).toEqual([]);
});

test("what a program left behind ends with the unit", async () => {
  const seconds = unlikely();
  await local.agent.startUnit(
    fence(),
    command("u", 20_000, "sh", "-c", `setsid sleep ${seconds} & sleep 0.2`),
  );
  const { state } = await local.agent.waitUnit("u", { timeoutMs: 5_000 });
  expect(state).toMatchObject({ status: "ended", exitCode: 0 });
  expect(await withArgument(seconds)).toEqual([]);
});

test("the deadline ends a unit, and the end says so", async () => {
  await local.agent.startUnit(fence(), command("u", 300, "sleep", unlikely()));
  const { state } = await local.agent.waitUnit("u", { timeoutMs: 5_000 });
  expect(state).toMatchObject({ status: "deadline", signal: "SIGKILL" });
});

test("a unit outlives its agent, and the next agent reads it", async () => {
  const source = "import time\ndef main(args, unit):\n  time.sleep(1)\n  return 42\n";
  await local.agent.startUnit(fence(), python("u", source));
  process.kill(await local.pid("agent"), "SIGKILL");
  await until(
    "the agent is gone",
    async () => (await local.agent.identity().catch(() => null)) !== null,
  );
  expect((await local.agent.waitUnit("u", { timeoutMs: 5_000 })).result).toBe(42);
});

test("a unit whose every process vanished is lost", async () => {
  const seconds = unlikely();
  await local.agent.startUnit(fence(), command("u", 10_000, "sleep", seconds));
  await until("it runs", async () => (await withArgument(seconds)).length > 0);
  process.kill(-(await wrapperOf("u")), "SIGKILL");
  await until("its end is known", async () => (await local.agent.unit("u"))?.status !== "running");
  expect((await local.agent.unit("u"))?.status).toBe("lost");
});

test("a unit of another boot is lost and never started again", async () => {
  const { agent } = local;
  await mkdir(`${local.runFolder}/units/u`, { recursive: true });
  const record = {
    name: "u",
    token: 1,
    argv: ["sleep"],
    bootId: "another",
    pid: process.pid,
    startTime: 1,
    startedUs: 5,
    deadlineUs: 9,
    version: local.version,
  };
  await writeFile(`${local.runFolder}/units/u/unit.json`, JSON.stringify(record));
  expect((await agent.unit("u"))?.status).toBe("lost");
  const seconds = unlikely();
  const again = await agent.startUnit(fence(), command("u", 5_000, "sleep", seconds));
  expect(again.status).toBe("lost");
  expect(await withArgument(seconds)).toEqual([]);
});

test("who waits for a unit that a sweep removes is told of the higher token, and is in nobody's way", async () => {
  const { agent } = local;
  await agent.startUnit(fence(), command("swept", 20_000, "sleep", unlikely()));
  const waiting = agent.waitUnit("swept", { timeoutMs: 20_000 });
  const stubborn = `trap "" TERM; sleep ${unlikely()} & wait; wait`;
  await agent.startUnit(fence(), command("stubborn", 20_000, "sh", "-c", stubborn));
  const stopping = agent.stopUnit(fence(), "stubborn", { graceMs: 15_000 });
  const told = Promise.allSettled([waiting, stopping]);
  await agent.sweepUnits(fence(++token));
  await agent.startUnit(fence(), command("next", 5_000, "sleep", "0.3"));
  const next = await agent.waitUnit("next", { timeoutMs: 10_000 });
  expect(next.state.status).toBe("ended");
  for (const one of await told) {
    if (one.status === "fulfilled") expect(one.value.state.status).toBe("stopped");
    else expect(one.reason).toBeInstanceOf(Fenced);
  }
});

test("a sweep ends units of lower tokens, spares its own, and removes what has ended", async () => {
  const { agent } = local;
  await agent.startUnit(fence(), command("old", 20_000, "sleep", unlikely()));
  await agent.startUnit(fence(++token), command("own", 20_000, "sleep", unlikely()));
  await agent.startUnit(fence(), command("ended", 20_000, "true"));
  await agent.waitUnit("ended", { timeoutMs: 5_000 });
  await agent.sweepUnits(fence());
  expect((await agent.units()).map((unit) => [unit.name, unit.status])).toEqual([
    ["own", "running"],
  ]);
});

test("an unknown unit is named together with the known ones", async () => {
  expect(await local.agent.unit("nobody")).toBeNull();
  await local.agent.startUnit(fence(), command("known", 5_000, "true"));
  await expect(local.agent.waitUnit("nobody", { timeoutMs: 100 })).rejects.toThrow(
    "no unit nobody on this host; known: known",
  );
});

test("many launchers at once give one agent", async () => {
  await Promise.all([1, 2, 3, 4].map(() => launch(local.runFolder)));
  const first = await local.pid("agent");
  process.kill(first, "SIGKILL");
  await until("the agent is gone", async () => !(await lives(first)));
  const answers = await Promise.all([1, 2, 3, 4].map(() => launch(local.runFolder)));
  expect(new Set(answers).size).toBe(1);
  const listening = (await readFile("/proc/net/unix", "utf8"))
    .split("\n")
    .filter(
      (line) => line.endsWith(`agent-${local.version}.sock`) && line.includes(local.runFolder),
    )
    .filter((line) => line.split(/\s+/)[3] === "00010000");
  expect(listening).toHaveLength(1);
});
