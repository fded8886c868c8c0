/** Debian packages that the lab uses without installing them: downloaded, unpacked, kept in the cache. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa, ExecaError } from "execa";

const unreachable = (name: string, cause: unknown) => {
  const detail = cause instanceof ExecaError ? String(cause.stderr).trim() : String(cause);
  return new Error(
    `Debian package ${name}: \`apt-get download ${name}\` failed. Run \`apt-get update\`, and look whether this machine reaches its Debian mirror.\n${detail}`,
    { cause },
  );
};

/** The first package that a metapackage depends on: the kernel's metapackage names its newest kernel so. */
export const newestDependency = async (metapackage: string): Promise<string> => {
  const { stdout } = await execa("apt-cache", ["depends", metapackage]).catch((error: unknown) => {
    throw unreachable(metapackage, error);
  });
  const name = /^\s*Depends: (\S+)$/m.exec(stdout)?.[1];
  if (!name) throw unreachable(metapackage, new Error("apt knows no package that it depends on"));
  return name;
};

interface UnpackOptions {
  /** The package that is really downloaded, asked for only when the cache has none. */
  readonly find?: () => Promise<string>;
  /** tar patterns of the files to keep; all by default. */
  readonly only?: readonly string[];
}

/** The folder that holds the package's files, with the archive's name in `.package`. A half-made one never has the final name. @throws {Error} */
export const unpackedPackage = async (
  cache: string,
  name: string,
  options: UnpackOptions = {},
): Promise<string> => {
  const folder = join(cache, "debian", name);
  if (existsSync(folder)) return folder;
  mkdirSync(join(cache, "debian"), { recursive: true });
  const work = mkdtempSync(join(cache, "debian", ".unpacking-"));
  // An interrupt ends this process at once, without `finally`.
  const clear = () => rmSync(work, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const wanted = (await options.find?.()) ?? name;
    await execa("apt-get", ["-q", "download", wanted], { cwd: work }).catch((error: unknown) => {
      throw unreachable(wanted, error);
    });
    const archive = readdirSync(work).find((file) => file.endsWith(".deb"));
    if (!archive) throw unreachable(wanted, new Error("apt-get downloaded nothing"));
    const root = join(work, "root");
    mkdirSync(root);
    // pipefail: a cut archive must not pass for a whole one.
    const unpack =
      'set -o pipefail; dpkg --fsys-tarfile "$0" | tar -x -C "$1" --wildcards "${@:2}"';
    await execa("bash", ["-c", unpack, join(work, archive), root, ...(options.only ?? [])]);
    writeFileSync(join(root, ".package"), `${archive}\n`);
    renameSync(root, folder);
  } catch (error) {
    // Two labs with one cache may unpack at once; either result is good.
    if (!existsSync(folder)) throw error;
  } finally {
    process.off("exit", clear);
    clear();
  }
  return folder;
};
