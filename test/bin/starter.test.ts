import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { gone, identityOf } from "../../services/process-identity.ts";

const root = join(import.meta.dirname, "../..");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "longhaul-bin-")));
afterAll(() => rmSync(folder, { recursive: true }));

const checkout = join(folder, "checkout");
const modules = join(checkout, "node_modules");
const place = (file: string, content: unknown) => {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content), {
    mode: 0o755,
  });
};
const packages = {
  "": { version: "0.1.0" },
  "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
  "node_modules/elsewhere": { version: "1.0.0", integrity: "sha512-e", optional: true },
};
/** A checkout whose program tells what it was given, and whose npm only notes that it was called. */
beforeEach(() => {
  rmSync(checkout, { recursive: true, force: true });
  for (const file of ["longhaul", "start.js", "dependencies.js", "processes.js"])
    cpSync(join(root, "bin", file), join(checkout, "bin", file));
  place(join(checkout, "package.json"), { type: "module" });
  place(join(checkout, "package-lock.json"), { packages });
  place(join(modules, ".package-lock.json"), {
    packages: { "node_modules/a": packages["node_modules/a"] },
  });
  place(join(modules, "node/bin/node"), `#!/bin/sh\nexec ${process.execPath} "$@"\n`);
  place(
    join(checkout, "cli/main.ts"),
    `const [what, ...rest] = process.argv.slice(2);
     if (what === "exit") process.exit(Number(rest[0]));
     if (what === "die") process.kill(process.pid, "SIGKILL");
     if (what === "wait") { process.on("SIGTERM", () => { console.log("told"); process.exit(9); }); setInterval(() => {}, 1000); }
     if (what === "name") console.log(process.env.LONGHAUL_COMMAND);
     else console.log(JSON.stringify(process.argv.slice(2)));`,
  );
  place(
    join(folder, "path/npm"),
    `#!/bin/sh\necho "$@" >> ${folder}/npm-calls\n[ -e ${folder}/npm-hangs ] && { echo $$ > ${folder}/npm-pid; exec sleep 600; }\n[ -e ${folder}/npm-fails ] && exit 4\n[ -e ${folder}/ci-refuses ] && [ "$1" = ci ] && echo "npm error code EUSAGE" >&2 && exit 1\nmkdir -p ${modules}/node/bin && printf '#!/bin/sh\\nexec ${process.execPath} "$@"\\n' > ${modules}/node/bin/node && chmod +x ${modules}/node/bin/node\n`,
  );
  for (const file of ["npm-calls", "npm-fails", "npm-hangs", "npm-pid", "ci-refuses"])
    rmSync(join(folder, file), { force: true });
});

const environment = {
  PATH: `${join(folder, "path")}:${process.env.PATH ?? ""}`,
  // These tests may have been started by `npx` themselves.
  npm_command: "",
};
const longhaul = (...args: string[]) =>
  execa(process.execPath, [join(checkout, "bin/longhaul"), ...args], {
    reject: false,
    env: environment,
    stdin: "ignore",
  });
const npmCalls = () =>
  existsSync(join(folder, "npm-calls")) ? readFileSync(join(folder, "npm-calls"), "utf8") : "";

test("arguments, output and exit code pass through, and nothing is installed anew", async () => {
  expect(JSON.parse((await longhaul("status", "--json", "a b")).stdout)).toEqual([
    "status",
    "--json",
    "a b",
  ]);
  expect((await longhaul("exit", "3")).exitCode).toBe(3);
  expect(npmCalls()).toBe("");
});

test("the program is told how it was called, for the commands that it advises", async () => {
  const named = async (cwd: string, env: Record<string, string> = {}) => {
    const call = [join(checkout, "bin/longhaul"), "name"];
    const { stdout } = await execa(process.execPath, call, {
      cwd,
      env: { ...environment, ...env },
    });
    return stdout;
  };
  expect(await named(checkout)).toBe("bin/longhaul");
  expect(await named(join(checkout, "bin"))).toBe("./longhaul");
  expect(await named("/")).toBe(join(checkout, "bin/longhaul").slice(1));
  expect(await named(checkout, { npm_command: "exec" })).toBe("npx longhaul");
  symlinkSync(join(checkout, "bin/longhaul"), join(folder, "path/longhaul"));
  expect(await named("/")).toBe("longhaul");
  rmSync(join(folder, "path/longhaul"));
});

test("a program that dies of a signal ends with 128 and its number, as in a shell", async () => {
  expect((await longhaul("die")).exitCode).toBe(137);
});

test("SIGTERM reaches the program, whose own exit code counts", async () => {
  const started = longhaul("wait");
  await new Promise((said) => started.stdout.once("data", said));
  started.kill("SIGTERM");
  const { exitCode, stdout } = await started;
  expect(exitCode).toBe(9);
  expect(stdout).toContain("told");
});

test("dependencies are installed when there are none, and only once", async () => {
  rmSync(modules, { recursive: true });
  expect((await longhaul("status")).stdout).toBe('["status"]');
  expect((await longhaul("status")).stdout).toBe('["status"]');
  expect(npmCalls()).toBe("ci --include=dev --no-audit --no-fund\n");
});

test("dependencies are installed again when the lockfile asks for another version", async () => {
  await longhaul("status");
  const other = { ...packages, "node_modules/a": { version: "2.0.0", integrity: "sha512-b" } };
  place(join(checkout, "package-lock.json"), { packages: other });
  await longhaul("status");
  expect(npmCalls()).not.toBe("");
});

test("a lockfile that npm ci refuses for its missing optional packages is followed by npm install", async () => {
  rmSync(modules, { recursive: true });
  place(join(folder, "ci-refuses"), "");
  expect((await longhaul("status")).stdout).toBe('["status"]');
  expect(npmCalls().split("\n")[1]).toBe("install --no-save --include=dev --no-audit --no-fund");
});

test("a failed installation is said so and runs nothing", async () => {
  rmSync(modules, { recursive: true });
  place(join(folder, "npm-fails"), "");
  const { exitCode, stdout, stderr } = await longhaul("status");
  expect(exitCode).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("npm ci failed");
});

test("an interrupt ends the installation, says so, and the next start installs", async () => {
  rmSync(modules, { recursive: true });
  place(join(folder, "npm-hangs"), "");
  const started = longhaul("status");
  const pidFile = join(folder, "npm-pid");
  await vi.waitUntil(() => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "", 10_000);
  started.kill("SIGINT");
  const { exitCode, stderr } = await started;
  expect(exitCode).toBe(130);
  expect(stderr).toContain("interrupted while dependencies were installed");
  const npm = identityOf(Number(readFileSync(pidFile, "utf8")));
  expect(npm === null || (await gone(npm, 10_000))).toBe(true);
  rmSync(join(folder, "npm-hangs"));
  expect((await longhaul("status")).stdout).toBe('["status"]');
});

test("nothing is installed under a running worker; down may still run, and the way out is named", async () => {
  place(join(checkout, "package-lock.json"), {
    packages: { ...packages, "node_modules/new": { version: "1.0.0", integrity: "sha512-n" } },
  });
  const kept = spawn(
    process.execPath,
    ["-e", "console.log('up'); setInterval(() => {}, 1000)", join(checkout, "workers/main.ts")],
    { env: { ...environment, LONGHAUL_STATE: "/some/state" }, stdio: ["ignore", "pipe", "ignore"] },
  );
  try {
    await new Promise((up) => kept.stdout.once("data", up));
    const refused = await longhaul("status");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("workers/main.ts");
    expect(refused.stderr).toContain("bin/longhaul --state /some/state down");
    expect((await longhaul("down")).stdout).toBe('["down"]');
    expect(npmCalls()).toBe("");
  } finally {
    kept.kill("SIGKILL");
  }
});
