import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { processRecord } from "../../lab/processes.ts";
import { holdingLab } from "../../lab/records.ts";

let path = "";
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "lab-records-"));
});
afterEach(() => rmSync(path, { recursive: true }));

test("whoever changes a lab waits for the one that does", async () => {
  const said: string[] = [];
  const change = (name: string) =>
    holdingLab({ path }, async () => {
      said.push(`${name} begins`);
      await delay(30);
      said.push(`${name} ends`);
    });
  await Promise.all([change("one"), change("other")]);
  expect(said).toEqual(["one begins", "one ends", "other begins", "other ends"]);
});

test("a holder that lives and does not let go is named", async () => {
  writeFileSync(join(path, "lab.lock"), JSON.stringify(processRecord(process.pid)));
  await expect(holdingLab({ path }, () => Promise.resolve(), { patienceMs: 50 })).rejects.toThrow(
    new RegExp(`process ${process.pid} is changing this lab; wait until it is done`),
  );
});

test("while machines boot, others wait for longer than for a switch of power", async () => {
  const boots = holdingLab({ path }, () => delay(300), { boots: true });
  const next = holdingLab({ path }, () => Promise.resolve("done"), { patienceMs: 50 });
  expect(await Promise.all([boots, next])).toEqual([undefined, "done"]);
});

test("a holder that died does not hold", async () => {
  writeFileSync(join(path, "lab.lock"), JSON.stringify({ pid: process.pid, startTicks: 1 }));
  expect(await holdingLab({ path }, () => Promise.resolve("done"), { patienceMs: 50 })).toBe(
    "done",
  );
});

/** Another process that holds the lab and never lets go. */
async function otherHolder(yields: boolean) {
  const script = `import { holdingLab } from "./lab/records.ts";
    await holdingLab({ path: ${JSON.stringify(path)} }, () => new Promise(() => {
      console.log("holds");
      setInterval(() => {}, 1000);
    }), { yields: ${yields} });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: join(import.meta.dirname, "../.."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child;
}

test("who takes the lab down ends a process that brings it up, says so, and waits for nobody", async () => {
  const bringsUp = await otherHolder(true);
  const ended = once(bringsUp, "exit");
  const said: string[] = [];
  const ending = (sentence: string) => void said.push(sentence);
  expect(await holdingLab({ path }, () => Promise.resolve("done"), { ending })).toBe("done");
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect(said).toEqual([`ending process ${bringsUp.pid}, which is changing this lab`]);
});

test("who takes the lab down waits for a switch of power, and ends one that hangs", async () => {
  const hangs = await otherHolder(false);
  const ended = once(hangs, "exit");
  const take = (ending: ((sentence: string) => void) | null) =>
    holdingLab({ path }, () => Promise.resolve("done"), { patienceMs: 50, ending });
  await expect(take(null)).rejects.toThrow(`process ${hangs.pid} is changing this lab`);
  expect(await take(() => undefined)).toBe("done");
  expect(await ended).toEqual([null, "SIGKILL"]);
});

describe("a dead holder's lock", () => {
  const dead = { pid: process.pid, startTicks: 1 };
  const plant = (name: string, holder: object | null) =>
    writeFileSync(join(path, name), JSON.stringify(holder));

  test("is left to whoever is removing it: a second one would remove what the first has taken", async () => {
    plant("lab.lock", dead);
    plant("lab.lock.removal", processRecord(process.pid));
    await expect(holdingLab({ path }, () => Promise.resolve(), { patienceMs: 50 })).rejects.toThrow(
      "is changing this lab",
    );
    expect(JSON.parse(readFileSync(join(path, "lab.lock"), "utf8"))).toEqual(dead);
    rmSync(join(path, "lab.lock.removal"));
    expect(await holdingLab({ path }, () => Promise.resolve("done"), { patienceMs: 50 })).toBe(
      "done",
    );
  });

  test("is removed also where somebody died over its removal, and nothing is left", async () => {
    plant("lab.lock", dead);
    plant("lab.lock.removal", dead);
    plant("lab.lock.removal.removal", dead);
    expect(await holdingLab({ path }, () => Promise.resolve("done"), { patienceMs: 1000 })).toBe(
      "done",
    );
    expect(readdirSync(path)).toEqual([]);
  });
});
