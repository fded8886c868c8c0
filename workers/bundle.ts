/** The workflows as one file, made once per version of their sources and of the SDK. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleWorkflowCode, DefaultLogger } from "@temporalio/worker";

const root = dirname(import.meta.dirname);
/** What the import law lets workflows reach. */
const sources = ["workflows", "model", "stats"];

/** Path of the bundle in `cache`; made when it is not there. Safe to call from several processes at once. */
export async function workflowBundle(cache: string): Promise<string> {
  const target = join(cache, `workflows-${await sourcesHash()}.cjs`);
  if (existsSync(target)) return target;
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, "workflows", "index.ts"),
    logger: new DefaultLogger("ERROR"),
  });
  await mkdir(cache, { recursive: true });
  const partial = `${target}.${process.pid}`;
  await writeFile(partial, code);
  await rename(partial, target);
  return target;
}

async function sourcesHash(): Promise<string> {
  const hash = createHash("sha256");
  const sdk = fileURLToPath(import.meta.resolve("@temporalio/worker/package.json"));
  const files = await Promise.all(
    sources.map(async (folder) =>
      (await readdir(join(root, folder)))
        .filter((name) => name.endsWith(".ts"))
        .sort()
        .map((name) => join(root, folder, name)),
    ),
  );
  for (const file of [sdk, ...files.flat()])
    hash.update(file.slice(root.length)).update(await readFile(file));
  return hash.digest("hex").slice(0, 16);
}
