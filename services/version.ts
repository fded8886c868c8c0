/** Which Longhaul this is: stored with every campaign and trial. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;

/** With the checkout's commit, where there is one: `0.1.0+a7688a0`; `.changed` when files differ from it. */
export async function longhaulVersion(): Promise<string> {
  // Only runs and workers need it; other commands start without it.
  const { execa } = await import("execa");
  const git = (...argv: string[]) => execa("git", argv, { cwd: root, reject: false });
  const commit = await git("rev-parse", "--short", "HEAD");
  if (commit.exitCode !== 0) return packageVersion();
  const changes = await git("status", "--porcelain", "--untracked-files=no");
  return `${packageVersion()}+${commit.stdout.trim()}${changes.stdout.trim() === "" ? "" : ".changed"}`;
}
