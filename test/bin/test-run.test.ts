import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { processRecord } from "../../lab/processes.ts";

const root = join(import.meta.dirname, "../..");
let folder = "";
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "longhaul-test-run-")));
});
afterEach(() => rmSync(folder, { recursive: true }));

const place = (file: string, content: string) => {
  mkdirSync(join(folder, file, ".."), { recursive: true });
  writeFileSync(join(folder, file), content, { mode: 0o755 });
};
const node = `#!/bin/sh\nexec ${process.execPath} "$@"\n`;

interface Process {
  readonly pid: number;
  readonly words: readonly string[];
  readonly environment: readonly string[];
}

/** What the tests' starter finds among these processes of the machine. */
async function refusals(...processes: readonly Process[]): Promise<string[]> {
  const script = `import { measuring } from ${JSON.stringify(join(root, "bin/measuring.js"))};
    console.log(JSON.stringify(await measuring(${JSON.stringify(processes)})));`;
  const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", script]);
  return JSON.parse(stdout) as string[];
}

describe("tests beside a campaign", () => {
  const state = "/data/one";
  /** Services of a state folder, kept by another checkout whose program answers so. */
  const services = (answer: string, of = state): Process => {
    place("node_modules/node/bin/node", node);
    place("cli/main.ts", answer);
    return {
      pid: 7,
      words: ["node", join(folder, "workers/main.ts")],
      environment: [`LONGHAUL_STATE=${of}`, "DATABASE_URL=postgres://there"],
    };
  };
  const lab: Process = {
    pid: 8,
    words: ["sh", "init.sh", "R1", `${state}/lab/hosts/R1`],
    environment: ["LONGHAUL_LAB=0dd1ab"],
  };
  const status = (campaigns: unknown) =>
    `console.log(JSON.stringify({ campaigns: ${JSON.stringify(campaigns)}, reason: "PostgreSQL is away" }));`;

  test("are refused, whatever its state folder and checkout, in words that end it", async () => {
    const asked = `if (process.env.DATABASE_URL !== "postgres://there") process.exit(1);`;
    const measuring = status([
      { campaign: "ended", state: "completed" },
      { campaign: "demo-1", state: "running" },
    ]);
    expect(await refusals(services(asked + measuring))).toEqual([
      `campaign demo-1 of /data/one is measuring; tests would falsify its figures. Wait for it (${folder}/bin/longhaul --state /data/one status --watch), or: ${folder}/bin/longhaul --state /data/one cancel demo-1`,
    ]);
  });

  test("are refused where a lab is up and nobody can tell", async () => {
    const fails = 'console.error("longhaul: no such column"); process.exit(2);';
    expect(await refusals(services(fails), lab)).toEqual([
      expect.stringContaining("/data/one cannot be told (longhaul: no such column)"),
    ]);
    expect(await refusals(services(status(null)), lab)).toEqual([
      expect.stringContaining("/data/one cannot be told (PostgreSQL is away)"),
    ]);
  });

  test("are let run where nothing measures: no services, no lab, or a test's own", async () => {
    const fails = "process.exit(2);";
    const measuring = status([{ campaign: "demo-1", state: "running" }]);
    expect(await refusals(lab)).toEqual([]);
    expect(await refusals(services(fails))).toEqual([]);
    expect(await refusals(services(status([{ campaign: "c", state: "paused" }])), lab)).toEqual([]);
    expect(await refusals(services(measuring, "/a/.longhaul/test/e2e"))).toEqual([]);
  });
});

describe("a run of tests", () => {
  /** Stands for services of a test: lives until `down` ends it, which its folder's file tells. */
  const service = `import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
const state = process.cwd() + "/.longhaul/test/own";
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], {
  detached: true, stdio: "ignore", env: { LONGHAUL_SERVICE_OF: state } });
child.unref();
writeFileSync(process.cwd() + "/service", String(child.pid));
`;
  beforeEach(() => {
    for (const file of ["longhaul-test", "dependencies.js", "processes.js"])
      cpSync(join(root, "bin", file), join(folder, "bin", file));
    place("bin/measuring.js", "export const measuring = async () => [];");
    place("package.json", '{ "type": "module" }');
    place("package-lock.json", '{ "packages": {} }');
    place("node_modules/.package-lock.json", '{ "packages": {} }');
    place("node_modules/node/bin/node", node);
    place(
      "cli/main.ts",
      `import { readFileSync, appendFileSync } from "node:fs";
       const words = process.argv.slice(2).join(" ");
       appendFileSync("calls", words + "\\n");
       if (words.endsWith("down")) process.kill(Number(readFileSync("service", "utf8")), "SIGKILL");`,
    );
  });
  const vitest = (then: string) => place("node_modules/vitest/vitest.mjs", service + then);
  const start = () =>
    execa(process.execPath, [join(folder, "bin/longhaul-test"), "fast"], {
      cwd: folder,
      reject: false,
    });
  const lives = () => processRecord(Number(readFileSync(join(folder, "service"), "utf8"))) !== null;
  const own = () => `--state ${folder}/.longhaul/test/own down\n`;

  test("that is interrupted ends the tests and what they started, and says so", async () => {
    vitest('console.log("testing"); setInterval(() => {}, 1000);');
    const run = start();
    await new Promise<void>((begun) => {
      run.stdout.on("data", (text: Buffer) => {
        if (text.toString().includes("testing")) begun();
      });
    });
    expect(lives()).toBe(true);
    run.kill("SIGINT");
    const { exitCode, stderr } = await run;
    expect(exitCode).toBe(130);
    expect(stderr).toContain("interrupted; ending what the tests started");
    expect(lives()).toBe(false);
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe(own());
  });

  test("ends what an earlier one left before it begins, and what its own left afterwards", async () => {
    vitest("");
    await execa(process.execPath, ["node_modules/vitest/vitest.mjs"], { cwd: folder });
    expect(lives()).toBe(true);
    vitest(`writeFileSync(process.argv.find((word) => word.startsWith("--outputFile")).split("=")[1],
      JSON.stringify({ numPassedTests: 3, numFailedTests: 0, numFailedTestSuites: 0 }));`);
    const { exitCode, stdout } = await start();
    expect(stdout).toMatch(/3 passed, 0 failed$/);
    expect(exitCode).toBe(0);
    expect(lives()).toBe(false);
    expect(readFileSync(join(folder, "calls"), "utf8")).toBe(own() + own());
  });
});
