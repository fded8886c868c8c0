/** Sees to it that node_modules is what package-lock.json says; plain JavaScript, for any Node from 20 on. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { processes, valueIn } from "./processes.js";

/** The checkout that this file lies in. */
export const checkout = dirname(dirname(fileURLToPath(import.meta.url)));
/** The Node that package.json pins, once it is installed. */
export const pinnedNode = (root = checkout) => join(root, "node_modules", "node", "bin", "node");

const lockHash = (root) =>
  createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
const stampFile = (root) => join(root, "node_modules", ".longhaul-lock-sha256");

/**
 * True when what is installed is what the lockfile asks for: by the stamp of an earlier look, else
 * by npm's own record of what it put into node_modules. Optional packages of other platforms may be missing.
 */
export function dependenciesAreCurrent(root = checkout) {
  if (!existsSync(pinnedNode(root))) return false;
  const stamp = stampFile(root);
  if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === lockHash(root)) return true;
  const record = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(record)) return false;
  const asked = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(record, "utf8")).packages;
  const same = Object.entries(asked).every(([path, { version, integrity, optional }]) => {
    const found = installed[path];
    if (path === "") return true;
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
  if (same) writeFileSync(stamp, `${lockHash(root)}\n`);
  return same;
}

/** Processes that run code of this checkout now, and would lose their modules under their feet. */
export function runningFrom(root = checkout) {
  const programs = ["workers/main.ts", "services/supervisor.ts", "cli/main.ts"];
  const paths = new Map(programs.map((program) => [join(root, program), program]));
  return processes().flatMap(({ pid, words, environment }) => {
    const script = words.find((word) => paths.has(word));
    const state = valueIn(environment, "LONGHAUL_STATE");
    return script === undefined ? [] : [{ pid, program: paths.get(script), state }];
  });
}

/**
 * Installs if the lockfile asks for something else than is there. Returns null when all is well, else
 * the sentence that tells the user what to do. An interrupt ends the installation and this process.
 */
export async function ensureDependencies(root = checkout) {
  if (dependenciesAreCurrent(root)) return null;
  const busy = runningFrom(root);
  if (busy.length > 0) {
    const who = busy
      .map(({ pid, program, state }) => `${program} (pid ${pid}${state ? `, state ${state}` : ""})`)
      .join(", ");
    const states = [...new Set(busy.map(({ state }) => state).filter(Boolean))];
    const downs = states.map((state) => `bin/longhaul --state ${state} down`);
    return (
      `the dependencies in node_modules are not those of package-lock.json, and ${who} runs with them; ` +
      `end it first: ${downs.join(" ; ") || "wait for it, or end it"}`
    );
  }
  process.stderr.write("longhaul: installing dependencies (npm ci) …\n");
  // Two starters at once: the second waits at the lock, and then finds all done. The lock is on the
  // lockfile itself and leaves nothing behind.
  const { status, problem } = await foreground("flock", [
    join(root, "package-lock.json"),
    process.execPath,
    fileURLToPath(import.meta.url),
    root,
  ]);
  if (status === 0) return null;
  return `npm ci failed in ${root} (${problem ?? `exit ${status}`}); its messages are above`;
}

/** Runs a command and all that it starts in a process group of their own, which ends with this process. */
async function foreground(program, args) {
  const child = spawn(program, args, { stdio: ["ignore", 2, 2], detached: true });
  let interrupted = null;
  const interrupt = (signal) => {
    if (interrupted === null)
      process.stderr.write(
        "\nlonghaul: interrupted while dependencies were installed; nothing runs, and the next start installs them\n",
      );
    interrupted = signal;
    try {
      process.kill(-child.pid, "SIGTERM");
    } catch (error) {
      if (error.code !== "ESRCH") throw error;
    }
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const signal of signals) process.on(signal, interrupt);
  const end = await new Promise((settle) => {
    child.once("error", (error) => settle({ status: null, problem: error.message }));
    child.once("exit", (code, signal) => settle({ status: code, problem: signal }));
  });
  for (const signal of signals) process.off(signal, interrupt);
  if (interrupted !== null) process.exit(128 + constants.signals[interrupted]);
  return end;
}

/**
 * `npm ci`; where it refuses the lockfile, as it does when a registry has not got optional packages of
 * other platforms that the lockfile therefore could not name, `npm install` by the same lockfile.
 */
function install(root) {
  const quiet = ["--include=dev", "--no-audit", "--no-fund"];
  const npm = (args, output) =>
    spawnSync("npm", [...args, ...quiet], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", output, output],
    });
  const clean = npm(["ci"], "pipe");
  if (clean.status === 0) return 0;
  if (!/code EUSAGE/.test(clean.stderr ?? "")) {
    process.stderr.write(`${clean.stdout ?? ""}${clean.stderr ?? ""}${clean.error ?? ""}\n`);
    return clean.status ?? 1;
  }
  return npm(["install", "--no-save"], 2).status ?? 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = process.argv[2] ?? checkout;
  if (!dependenciesAreCurrent(root)) {
    // Cut in the middle, nothing vouches for what is there.
    rmSync(stampFile(root), { force: true });
    process.exitCode = install(root);
    if (process.exitCode === 0) writeFileSync(stampFile(root), `${lockHash(root)}\n`);
  }
}
