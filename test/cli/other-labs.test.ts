import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { otherLabs, otherLabsCheck } from "../../cli/other-labs.ts";

/** A process that bears a lab's mark, and a word in its command line as the one that started a host has. */
async function marked(id: string, word: string) {
  const child = spawn(process.execPath, ["-e", "setInterval(() => 0, 1000)", word], {
    env: { LONGHAUL_LAB: id },
    stdio: "ignore",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "spawn");
}

test("a lab of another state folder is named with the command that ends it; one's own is not", async () => {
  await marked("0dd1ab", "/data/one/lab/hosts/R1");
  await marked("0dd2ab", "its folder is not told");
  await expect
    .poll(() => otherLabs({ id: "" }), { timeout: 10_000 })
    .toEqual(expect.arrayContaining(["/data/one", "lab 0dd2ab"]));
  expect(otherLabs({ id: "0dd1ab" })).not.toContain("/data/one");
  const check = otherLabsCheck({ id: "" });
  expect(check).toMatchObject({ name: "other labs", result: "warn" });
  expect(check.mend).toContain("longhaul --state /data/one lab down");
  expect(check.mend).toContain("longhaul --state … lab down");
});
