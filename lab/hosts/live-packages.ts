/** Debian packages with all that they depend on, for a system that is not this machine: apt resolves, nothing is installed. */
import { createHash } from "node:crypto";
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

/** The archives' paths, in order of their names. Kept in the cache, whole or not at all. @throws {Error} */
export const packagesWithDependencies = async (
  cache: string,
  names: readonly string[],
  log: (line: string) => void,
): Promise<readonly string[]> => {
  const key = createHash("sha256").update(names.join("\n")).digest("hex").slice(0, 8);
  const folder = join(cache, "debian", `closure-${key}`);
  if (!existsSync(folder)) await download(join(cache, "debian"), folder, names, log);
  return readdirSync(folder)
    .sort()
    .map((file) => join(folder, file));
};

const download = async (
  parent: string,
  folder: string,
  names: readonly string[],
  log: (line: string) => void,
): Promise<void> => {
  log("downloading Debian packages for the machines (45 MB)");
  mkdirSync(parent, { recursive: true });
  const work = mkdtempSync(join(parent, ".closure-"));
  const clear = () => rmSync(work, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    mkdirSync(join(work, "archives", "partial"), { recursive: true });
    // Nothing is installed there yet: every dependency is wanted.
    writeFileSync(join(work, "status"), "");
    const settings = [
      `Dir::State::status=${join(work, "status")}`,
      `Dir::Cache=${work}`,
      "APT::Install-Recommends=false",
      "APT::Sandbox::User=root",
      // Only this folder is written.
      "Debug::NoLocking=true",
    ].flatMap((setting) => ["-o", setting]);
    await execa("apt-get", ["-qq", ...settings, "--yes", "--download-only", "install", ...names], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    }).catch((error: unknown) => {
      throw unreachable(error);
    });
    const archives = join(work, "archives");
    for (const file of readdirSync(archives))
      if (!file.endsWith(".deb")) rmSync(join(archives, file), { recursive: true });
    renameSync(archives, folder);
  } catch (error) {
    // Two labs with one cache may download at once; either result is good.
    if (!existsSync(folder)) throw error;
  } finally {
    process.off("exit", clear);
    clear();
  }
};

const unreachable = (cause: unknown) => {
  const detail = cause instanceof ExecaError ? String(cause.stderr).trim() : String(cause);
  return new Error(
    `the machines' Debian packages cannot be downloaded. Run \`apt-get update\`, and look whether this machine reaches its Debian mirror; testbeds without machines need none of them.\n${detail}`,
    { cause },
  );
};
