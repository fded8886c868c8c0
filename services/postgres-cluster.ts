/** The data folder of the embedded PostgreSQL: made whole or not at all, and its lock file mended. */
import { spawn } from "node:child_process";
import {
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { postgresEnvironment, postgresMajor, postgresProgram } from "./postgres-binaries.ts";

export const databaseUser = "longhaul";
export const databaseName = "longhaul";

/** No process has this pid: above the kernel's largest pid_max, 2^22 (proc(5)). */
const noSuchPid = 2 ** 30;
const orphanDeadlineMs = 10_000;

/**
 * Makes the cluster if there is none, in a folder beside it that is renamed when it is complete: an
 * initdb that was cut leaves nothing that could be taken for a cluster. Idempotent.
 * @throws when the folder was made by another major version of PostgreSQL
 */
export async function createCluster(folder: string, password: string): Promise<void> {
  const dataFolder = resolve(folder);
  const existing = await clusterVersion(dataFolder);
  const major = await postgresMajor();
  if (existing !== null && existing !== major) {
    throw new Error(
      `${dataFolder}: the data are of PostgreSQL ${existing}, but the installed one is ${major}, ` +
        `which cannot read them. Dump them with the Longhaul version that wrote them and PostgreSQL ${existing}, ` +
        "or set LONGHAUL_STATE to a new folder.",
    );
  }
  if (existing !== null) return;
  const unfinished = `${dataFolder}.unfinished`;
  const made = join(unfinished, "data");
  const passwordFile = join(unfinished, "password");
  await mkdir(dirname(dataFolder), { recursive: true });
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  try {
    await writeFile(passwordFile, password, { mode: 0o600 });
    await runToEnd("initdb", unfinished, [
      ...["-D", made, "-U", databaseUser, `--pwfile=${passwordFile}`],
      ...["--auth-host=scram-sha-256", "--auth-local=reject"],
      ...["--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"],
    ]);
    await runToEnd(
      "postgres",
      unfinished,
      ["--single", "-D", made, "template1"],
      `CREATE DATABASE ${databaseName}\n`,
    );
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(made, dataFolder);
  await rm(unfinished, { recursive: true });
  await syncFolder(dirname(dataFolder));
}

/** The postmaster that runs on this data folder now, with the port it was started with. */
export async function runningPostgres(
  dataFolder: string,
): Promise<{ readonly pid: number; readonly port: number } | null> {
  const lines = await lockFile(dataFolder);
  const pid = Number(lines?.[0]);
  // Line 4 is the port (src/include/utils/pidfile.h), written together with the pid.
  const port = Number(lines?.[3]);
  if (!(pid > 0) || !(await worksIn(pid, await realFolder(dataFolder)))) return null;
  return { pid, port };
}

/**
 * Takes out of the way what an end by `kill -9` or a power failure left: waits for orphaned backends,
 * ends those that stay, and frees a lock file whose pid is another program's now (PostgreSQL would take that for a
 * postmaster and refuse to start). The line is rewritten rather than the file removed, so that
 * PostgreSQL still looks for a shared memory block in use.
 * @throws when a postmaster runs on the folder
 */
export async function mendCluster(dataFolder: string): Promise<void> {
  const patient = Date.now() + orphanDeadlineMs;
  for (;;) {
    const orphans = await processesIn(dataFolder);
    if (orphans.length === 0) break;
    await refuseRunning(dataFolder);
    // A backend sees the death of its postmaster, unless it is stopped or hangs; then nothing else ends it.
    if (Date.now() > patient) for (const pid of orphans) killIfThere(pid);
    await pause(dataFolder, patient + orphanDeadlineMs);
  }
  await refuseRunning(dataFolder);
  const lines = await lockFile(dataFolder);
  const pid = Number(lines?.[0]);
  if (lines === null || !(await isAlive(pid))) return;
  // One that started just now has changed into the folder before it wrote its lock file.
  if (await worksIn(pid, await realFolder(dataFolder))) return;
  await writeFile(join(dataFolder, "postmaster.pid"), [noSuchPid, ...lines.slice(1)].join("\n"));
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function refuseRunning(dataFolder: string): Promise<void> {
  const running = await runningPostgres(dataFolder);
  if (running === null) return;
  throw new Error(`${dataFolder}: a PostgreSQL already runs on it (pid ${running.pid})`);
}

/** Waits until no process works in the data folder: postmaster and backends are gone. */
export async function waitUntilUnused(dataFolder: string, deadlineMs: number): Promise<void> {
  const end = Date.now() + deadlineMs;
  while ((await processesIn(dataFolder)).length > 0) await pause(dataFolder, end);
}

async function pause(dataFolder: string, end: number): Promise<void> {
  if (Date.now() > end) {
    const left = (await processesIn(dataFolder)).join(", ");
    throw new Error(`${dataFolder}: PostgreSQL processes do not end: ${left}`);
  }
  await delay(20);
}

async function processesIn(dataFolder: string): Promise<readonly number[]> {
  const folder = await realFolder(dataFolder);
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0);
  const there = await Promise.all(pids.map((pid) => worksIn(pid, folder)));
  return pids.filter((_, index) => there[index]);
}

/** True when a whole cluster is there, of whatever version. */
export async function isCluster(dataFolder: string): Promise<boolean> {
  return (await clusterVersion(dataFolder)) !== null;
}

export async function isSameFolder(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([realFolder(one), realFolder(other)]);
  return first !== null && first === second;
}

async function clusterVersion(dataFolder: string): Promise<string | null> {
  return (await contentOf(join(dataFolder, "PG_VERSION")))?.trim() ?? null;
}

async function lockFile(dataFolder: string): Promise<readonly string[] | null> {
  return (await contentOf(join(dataFolder, "postmaster.pid")))?.split("\n") ?? null;
}

async function contentOf(path: string): Promise<string | null> {
  return await readFile(path, "utf8").catch(nullIfAbsent);
}

async function realFolder(folder: string): Promise<string | null> {
  return await realpath(folder).catch(nullIfAbsent);
}

/** Every process of a cluster has the data folder as its working directory; no other program's pid does. */
async function worksIn(pid: number, folder: string | null): Promise<boolean> {
  if (folder === null) return false;
  return (await readlink(`/proc/${pid}/cwd`).catch(nullIfAbsent)) === folder;
}

async function isAlive(pid: number): Promise<boolean> {
  return (await contentOf(`/proc/${pid}/stat`)) !== null;
}

function nullIfAbsent(error: NodeJS.ErrnoException): null {
  // EACCES: another user's process, so not ours. ESRCH: it ended while we read.
  if (["ENOENT", "ESRCH", "EACCES"].includes(error.code ?? "")) return null;
  throw error;
}

async function runToEnd(
  name: "initdb" | "postgres",
  folder: string,
  args: readonly string[],
  input = "",
): Promise<void> {
  const [program, ...rest] = postgresProgram(name, folder, args, { signalWhenParentDies: "KILL" });
  const child = spawn(String(program), rest, { env: postgresEnvironment, cwd: "/" });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  // A program that ends before it reads its input says why by its status, not by EPIPE.
  child.stdin.on("error", () => child.stdin.destroy());
  child.stdin.end(input);
  const status = await new Promise<number | string | null>((settle, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => settle(code ?? signal));
  });
  const text = Buffer.concat(output).toString("utf8");
  if (status !== 0 || /\b(ERROR|FATAL|PANIC): /.test(text)) {
    throw new Error(
      `PostgreSQL: \`${[program, ...rest].join(" ")}\` ended with ${status}\n\n${text}`,
    );
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
