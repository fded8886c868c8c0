import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
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
  await expect(holdingLab({ path }, () => Promise.resolve(), 50)).rejects.toThrow(
    new RegExp(`process ${process.pid} is changing this lab; wait until it is done`),
  );
});

test("a holder that died does not hold", async () => {
  writeFileSync(join(path, "lab.lock"), JSON.stringify({ pid: process.pid, startTicks: 1 }));
  expect(await holdingLab({ path }, () => Promise.resolve("done"), 50)).toBe("done");
});
