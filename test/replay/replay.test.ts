import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "@temporalio/worker";
import { beforeAll, expect, test } from "vitest";
import { workflowBundle } from "../../workers/bundle.ts";
import { quietRuntime, testCache } from "../workflows/server.ts";

/** Recorded by `record.ts` from the versions of Longhaul that their names begin with. */
const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".json"));

let bundle: string;
beforeAll(async () => {
  quietRuntime();
  bundle = await workflowBundle(testCache);
}, 60_000);

const historyOf = (file: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, file), "utf8")) as {
    events: { activityTaskScheduledEventAttributes?: { activityType: { name: string } } }[];
  };
const replay = (history: unknown) =>
  Worker.runReplayHistory({ workflowBundle: { codePath: bundle } }, history, "replayed");

test("every type of workflow has a golden history", () => {
  for (const type of ["campaign", "forwarding-sweep", "migration-trial", "recovery", "testbed-lock"])
    expect(files.filter((name) => name.includes(type))).not.toEqual([]);
});

test.each(files)("%s replays with the workflows of today", async (file) => {
  await expect(replay(historyOf(file))).resolves.toBeUndefined();
});

test("a history in which another act was ordered does not replay", async () => {
  const history = historyOf("0.1.0-migration-trial-1.json");
  const scheduled = history.events.find((event) => event.activityTaskScheduledEventAttributes);
  Object.assign(scheduled?.activityTaskScheduledEventAttributes?.activityType ?? {}, { name: "restore" });
  await expect(replay(history)).rejects.toThrow(/[Nn]ondeterminism/);
});
