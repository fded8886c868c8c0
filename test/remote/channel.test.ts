import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { openChannel } from "../../remote/channel.ts";
import { Fenced, NoExitStatus } from "../../remote/shell.ts";
import { all } from "./local-agent.ts";

const pair = () => {
  const [near, far] = duplexPair();
  return { channel: openChannel("R1", near), far };
};

test("a request without an answer in time has no exit status, and names host and verb", async () => {
  const { channel } = pair();
  await expect(channel.request("act", {}, 20)).rejects.toThrow(
    new NoExitStatus("R1: `act` got no answer within 20 ms"),
  );
});

test("a dropped connection rejects every request that waits, and every later one", async () => {
  const { channel, far } = pair();
  const waiting = [channel.request("act", {}, 5_000), channel.request("read", {}, 5_000)];
  far.destroy();
  for (const one of waiting) await expect(one).rejects.toThrow(NoExitStatus);
  expect(channel.alive).toBe(false);
  await expect(channel.request("act", {}, 5_000)).rejects.toThrow(NoExitStatus);
});

test("answers find their requests in any order and in any pieces", async () => {
  const { channel, far } = pair();
  const [one, two] = [channel.request("a", {}, 5_000), channel.request("b", {}, 5_000)];
  for (const piece of ['{"id":2,"o', 'k":"two"}\n{"id":1,', '"ok":"one"}\n']) far.write(piece);
  expect(await Promise.all([one, two])).toEqual(["one", "two"]);
});

test("each kind of refusal is its own error", async () => {
  const { channel, far } = pair();
  const calls = [1, 2, 3].map(() => channel.request("act", {}, 5_000));
  const settled = Promise.allSettled(calls);
  for (const [index, kind] of ["fenced", "timeout", "failed"].entries()) {
    far.write(`${JSON.stringify({ id: index + 1, error: { kind, message: "why" } })}\n`);
  }
  const reasons = (await settled).map((end) =>
    end.status === "rejected" ? String(end.reason) : "",
  );
  expect(reasons).toEqual([
    "Fenced: R1: why",
    "NoExitStatus: R1: why",
    "Error: R1: the agent failed: why",
  ]);
  await expect(calls[0]).rejects.toBeInstanceOf(Fenced);
});

test("something that is no answer breaks the connection", async () => {
  const { channel, far } = pair();
  const call = channel.request("act", {}, 5_000);
  far.write("Welcome to Debian\n");
  await expect(call).rejects.toThrow("brought something that is no answer");
});

test("lines end with their answer", async () => {
  const { channel, far } = pair();
  const lines = all(channel.lines("follow", {}));
  for (const answer of [
    { id: 1, line: "a" },
    { id: 1, line: "b" },
    { id: 1, ok: null },
  ]) {
    far.write(`${JSON.stringify(answer)}\n`);
  }
  expect(await lines).toEqual(["a", "b"]);
});
