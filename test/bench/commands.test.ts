import { readdirSync, readFileSync } from "node:fs";
import { execa } from "execa";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);
const { scripts } = JSON.parse(readFileSync(new URL("package.json", root), "utf8")) as {
  scripts: Record<string, string>;
};
const starter = new URL("bin/longhaul-bench", root).pathname;

test("every benchmark has a command of npm that starts it on the pinned Node", async () => {
  const { exitCode, stderr } = await execa("node", [starter, "none"], { reject: false });
  expect(exitCode).toBe(2);
  const known = /known ones: (.*)/.exec(stderr)?.[1]?.split(", ") ?? [];
  const commands = Object.entries(scripts).filter(([name]) => name.startsWith("bench:"));
  expect(commands).toEqual(
    known.map((name) => [`bench:${name}`, `node bin/longhaul-bench ${name}`]),
  );
  const programs = readdirSync(new URL("bench/", root)).filter((name) => name.endsWith(".ts"));
  for (const name of known) expect(programs).toContain(`${name}.ts`);
});
