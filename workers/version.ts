/** Which Longhaul this is: stored with every trial. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";

const root = dirname(import.meta.dirname);

/** `0.1.0+a7688a0`, with `.changed` when the checkout differs from that commit; without a commit where there is no git. */
export async function longhaulVersion(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    version: string;
  };
  const git = (...argv: string[]) => execa("git", argv, { cwd: root, reject: false });
  const commit = await git("rev-parse", "--short", "HEAD");
  if (commit.exitCode !== 0) return version;
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return `${version}+${commit.stdout.trim()}${changes.stdout.trim() === "" ? "" : ".changed"}`;
}
