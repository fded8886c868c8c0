import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { writePlan } from "../../cli/launch.ts";
import { readRunFiles } from "../../cli/run-files.ts";
import { takeLock } from "../../services/lock.ts";
import { withStore } from "../store/postgres-server.ts";

const db = withStore();

test("extend of a completed campaign waits its turn to prepare the testbed, and an interrupt says how it stands", async () => {
  const files = readRunFiles("campaigns/demo.yaml", "testbeds/lab.yaml", "done");
  const { testbed } = files;
  await db.store.putTestbed({ name: testbed.name, kind: testbed.kind, content: testbed });
  await writePlan(db.store, files, "done", { temporalUi: null, longhaulVersion: "0.1.0" });
  await db.store.setCampaignState("done", "completed");

  const state = await mkdtemp(join(tmpdir(), "longhaul-extend-"));
  const turn = await takeLock(join(state, "turn.lock"));
  const extend = spawn(
    process.execPath,
    ["cli/main.ts", "--state", state, "extend", "done", "--repetitions", "9"],
    {
      cwd: join(import.meta.dirname, "../.."),
      env: { ...process.env, DATABASE_URL: db.url },
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  onTestFinished(async () => {
    extend.kill("SIGKILL");
    turn?.release();
    await rm(state, { recursive: true });
  });
  const ended = once(extend, "close");
  let told = "";
  await new Promise<void>((waits) => {
    extend.stderr.on("data", (text: Buffer) => {
      told += text.toString();
      if (told.includes("another command prepares this testbed")) waits();
    });
  });
  extend.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(told).toMatch(/interrupted; whether done has its new repetitions: `.*status done`/);
});
