import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";

/** Null when there is no such file. @throws when it is not JSON: these files are placed whole. */
export function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${file}: not JSON; remove it`, { cause });
  }
}

/** A reader sees the old content or the new one, whole, also after a power failure. */
export function writeJson(file: string, content: unknown): void {
  const unfinished = `${file}.${process.pid}.unfinished`;
  const descriptor = openSync(unfinished, "w", 0o600);
  try {
    const bytes = Buffer.from(`${JSON.stringify(content, null, 2)}\n`);
    // A disk that is nearly full takes the beginning without a complaint.
    for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(unfinished);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  renameSync(unfinished, file);
}
