import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CommandFailed, Fenced, NoExitStatus } from "../../remote/shell.ts";
import { lives, localAgent, until, withArgument } from "./local-agent.ts";
import type { LocalAgent } from "./local-agent.ts";

let local: LocalAgent;
beforeAll(async () => {
  local = await localAgent();
});
afterAll(() => local.end());

const unlikely = () => `8765.${process.pid}${Math.floor(performance.now() * 1000)}`;

test("a non-zero exit is a result with both outputs", async () => {
  const result = await local.agent.read(["sh", "-c", "echo out; echo err >&2; exit 3"]);
  expect(result).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
  expect(new CommandFailed("A", ["sh"], result).message).toBe(
    "A: `sh` exited 3\nstderr:\nerr\n\nstdout:\nout\n",
  );
});

test("a command that does not exist exits 127, as in a shell", async () => {
  const result = await local.agent.read(["/no/such/program"]);
  expect(result.exitCode).toBe(127);
  expect(result.stderr).toContain("No such file");
});

test("standard input of a megabyte reaches the command", async () => {
  const stdin = "0123456789abcdef".repeat(65_536);
  const { stdout } = await local.agent.act(local.fence(5), ["wc", "-c"], { stdin });
  expect(stdout.trim()).toBe(String(stdin.length));
});

test("a command past its timeout has no exit status and does not go on", async () => {
  const seconds = unlikely();
  const call = local.agent.read(["sh", "-c", `sleep ${seconds} & sleep ${seconds}`], {
    timeoutMs: 300,
  });
  await expect(call).rejects.toThrow(NoExitStatus);
  await expect(call).rejects.toThrow("was killed after 300 ms");
  await until("none of it is left", async () => (await withArgument(seconds)).length === 0);
});

test("a daemon that a command leaves behind does not hold up its end", async () => {
  const seconds = unlikely();
  const result = await local.agent.act(local.fence(5), [
    "sh",
    "-c",
    `setsid sleep ${seconds} & echo started`,
  ]);
  expect(result.stdout).toBe("started\n");
  // The shell may end before what it left behind has become the daemon.
  await until("it runs", async () => (await withArgument(seconds)).length === 1);
  for (const daemon of await withArgument(seconds)) process.kill(daemon, "SIGKILL");
});

test("a command whose agent was killed has no exit status, and is ended", async () => {
  const seconds = unlikely();
  const call = local.agent.act(local.fence(5), ["sleep", seconds]);
  const refused = expect(call).rejects.toThrow(NoExitStatus);
  await until("it runs", async () => (await withArgument(seconds)).length === 1);
  process.kill(await local.pid("agent"), "SIGKILL");
  await refused;
  await until("it is ended", async () => (await withArgument(seconds)).length === 0);
});

test("a call after a break finds a new agent", async () => {
  // The agent of the test before was killed, too: only a call has another one started.
  await local.agent.identity();
  const first = await local.pid("agent");
  process.kill(first, "SIGKILL");
  await until("the agent is gone", async () => !(await lives(first)));
  await until(
    "a call is answered",
    async () => (await local.agent.identity().catch(() => null)) !== null,
  );
  expect(await local.pid("agent")).not.toBe(first);
});

test("a lower token is refused, also by the next agent of the same boot", async () => {
  await local.agent.raise(local.fence(5));
  await expect(local.agent.act(local.fence(4), ["true"])).rejects.toThrow(Fenced);
  process.kill(await local.pid("agent"), "SIGKILL");
  await until(
    "a call is answered",
    async () => (await local.agent.identity().catch(() => null)) !== null,
  );
  expect((await local.agent.identity()).token).toBe(5);
  await expect(local.agent.raise(local.fence(4))).rejects.toThrow(
    "token 4 is below 5, the highest seen",
  );
  expect((await local.agent.act(local.fence(5), ["true"])).exitCode).toBe(0);
});

test("an order for another boot is refused and changes nothing", async () => {
  const fence = { token: 9, bootIds: { A: "another" } };
  await expect(local.agent.act(fence, ["true"])).rejects.toThrow("expected boot id another");
  await expect(local.agent.act({ token: 9, bootIds: {} }, ["true"])).rejects.toThrow(Fenced);
  expect((await local.agent.identity()).token).toBe(5);
});

test("reading needs no token, and a missing file is null", async () => {
  const files = await local.agent.readFiles(["/proc/sys/kernel/random/boot_id", "/no/such/file"]);
  expect(files).toEqual({
    "/proc/sys/kernel/random/boot_id": `${local.bootId}\n`,
    "/no/such/file": null,
  });
});

test("a conversation answers with the lines that were waited for", async () => {
  const path = `${local.runFolder}/talk.sock`;
  const server = createServer((socket) => {
    socket.write('{"QMP": 1}\nnoise\n');
    socket.on("data", (data) => socket.write(`event\n{"return": ${data.toString().trim()}}\n`));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const exchange = [
    { send: null, until: "QMP" },
    { send: "1", until: '"return"' },
    { send: "2", until: '"return"' },
  ];
  expect(await local.agent.converse(null, path, exchange)).toEqual([
    '{"QMP": 1}',
    '{"return": 1}',
    '{"return": 2}',
  ]);
  const hopeless = local.agent.converse(null, path, [{ send: null, until: "never" }], {
    timeoutMs: 200,
  });
  await expect(hopeless).rejects.toThrow(/NoExitStatus|no line like 'never' within 200 ms/);
  await new Promise((resolve) => server.close(resolve));
  await expect(local.agent.converse(null, path, exchange)).rejects.toThrow(NoExitStatus);
});

test("the clocks of one machine agree within the uncertainty that is told", async () => {
  const { offsetUs, uncertaintyUs } = await local.agent.clock();
  const { stdout } = await local.agent.read([
    "python3",
    "-c",
    "import time; print((time.time_ns() - time.monotonic_ns()) // 1000)",
  ]);
  expect(Math.abs(offsetUs - Number(stdout))).toBeLessThan(uncertaintyUs + 10_000);
});

test("the counters name every interface of the host", async () => {
  const snapshot = await local.agent.counters();
  const { stdout } = await local.agent.read(["sh", "-c", "tail -n +3 /proc/net/dev | cut -d: -f1"]);
  expect(Object.keys(snapshot.interfaces).sort()).toEqual(stdout.trim().split(/\s+/).sort());
  expect(snapshot.softnet.length).toBeGreaterThan(0);
  expect(snapshot.ip.ForwDatagrams).toBeTypeOf("number");
});
