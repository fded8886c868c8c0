import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { lives, localAgent, until } from "./local-agent.ts";

test("an agent that nobody needs ends itself, and so does its watcher", async () => {
  const local = await localAgent({ idleMs: 200 });
  const [agent, watcher] = [await local.pid("agent"), await local.pid("watcher")];
  local.agent.close();
  await until("both are gone", async () => !(await lives(agent)) && !(await lives(watcher)));
  await rm(local.runFolder, { recursive: true });
  await expect(local.agent.identity()).rejects.toThrow("was closed here");
});
