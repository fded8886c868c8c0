import { appendFile, readFile, stat } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, localAgent, lives, until } from "./local-agent.ts";
import type { LocalAgent } from "./local-agent.ts";

interface Line {
  readonly atUs: number;
  readonly bootId: string;
  readonly what: string;
  readonly [fact: string]: unknown;
}

let local: LocalAgent;
beforeAll(async () => {
  local = await localAgent();
});
afterAll(() => local.end());

const path = () => `${local.runFolder}/journal.jsonl`;
const journal = async (): Promise<Line[]> =>
  (await readFile(path(), "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
const fence = (token: number) => local.fence(token);
const sleeper = (name: string, seconds: string) => ({
  name,
  deadlineMs: 10_000,
  program: { kind: "command" as const, argv: ["sleep", seconds] },
});

test("a host writes down in order which token it saw and which units it started and ended", async () => {
  const { agent, bootId } = local;
  await agent.startUnit(fence(5), sleeper("one", "100"));
  await agent.stopUnit(fence(5), "one");
  await agent.startUnit(fence(6), sleeper("two", "0"));
  await agent.waitUnit("two", { timeoutMs: 5000 });
  await agent.act(fence(6), ["true"], { timeoutMs: 5000 });
  const lines = await journal();
  expect(
    lines.map(({ what, token, unit, status, program }) => [
      what,
      token ?? status ?? null,
      unit ?? program ?? null,
    ]),
  ).toEqual([
    ["agent", null, null],
    ["token", 5, null],
    ["started", 5, "one"],
    ["ended", "stopped", "one"],
    ["token", 6, null],
    ["started", 6, "two"],
    ["ended", "ended", "two"],
    ["act", 6, "true"],
  ]);
  expect(new Set(lines.map((line) => line.bootId))).toEqual(new Set([bootId]));
  expect(lines.map(({ atUs }) => atUs)).toEqual(
    lines.map(({ atUs }) => atUs).sort((a, b) => a - b),
  );
});

test("what a host refuses stands in its journal, and nothing else of it", async () => {
  const { agent } = local;
  await agent.raise(fence(20));
  const before = (await journal()).length;
  await expect(agent.startUnit(fence(19), sleeper("late", "0"))).rejects.toThrow(/below 20/);
  await expect(
    agent.startUnit({ token: 21, bootIds: { A: "another-boot" } }, sleeper("lost", "0")),
  ).rejects.toThrow(/another-boot/);
  expect((await journal()).slice(before)).toMatchObject([
    { what: "refused", token: 19, highest: 20 },
    { what: "refused", token: 21, expectedBootId: "another-boot" },
  ]);
});

test("a journal that has grown too long keeps its newest lines, whole", async () => {
  const line = (number: number) => `${JSON.stringify({ what: "filler", number })}\n`;
  const filler = Array.from({ length: 600_000 }, (_, number) => line(number)).join("");
  await appendFile(path(), filler);
  const ending = await local.pid("agent");
  process.kill(ending, "SIGTERM");
  await until("the agent ends", async () => !(await lives(ending)));
  await launch(local.runFolder);
  // It listens before it shortens its journal, and answers after.
  await local.agent.identity();
  const { size } = await stat(path());
  expect(size).toBeLessThan(9 << 20);
  const lines = await journal();
  expect(lines[0]?.what).toBe("filler");
  expect(lines.at(-2)).toMatchObject({ what: "filler", number: 599_999 });
  expect(lines.at(-1)?.what).toBe("agent");
});
