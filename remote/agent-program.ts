/** The agent as one Python program on standard input: nothing is installed on a host. */
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";

const folder = join(import.meta.dirname, "../probes/agent");

export interface AgentProgram {
  /** Of the sources: another version is another agent, on another socket of the same run folder. */
  readonly version: string;
  readonly bootstrap: string;
  readonly sources: Readonly<Record<string, string>>;
}

let loaded: Promise<AgentProgram> | undefined;

/** Reads the sources once per process: what runs on the hosts stays what this process knows. */
export const agentProgram = (): Promise<AgentProgram> => (loaded ??= readProgram());

const readProgram = async (): Promise<AgentProgram> => {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".py")).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const byFile = Object.fromEntries(files.map((file, index) => [file, texts[index] ?? ""]));
  const { "bootstrap.py": bootstrap = "", ...modules } = byFile;
  const sources = Object.fromEntries(
    Object.entries(modules).map(([file, text]) => [moduleName(file), text]),
  );
  const version = createHash("sha256")
    .update(JSON.stringify([bootstrap, sources]))
    .digest("hex");
  return { version: version.slice(0, 12), bootstrap, sources };
};

const moduleName = (file: string): string =>
  file === "__init__.py" ? "agent" : `agent.${basename(file, ".py")}`;

/** For `python3 -`: starts the agent of this run folder unless it listens already, and prints `{"socket"}`. */
export const launcherSource = (
  program: AgentProgram,
  runFolder: string,
  options: { idleMs?: number } = {},
): string => {
  const idleS = (options.idleMs ?? 600_000) / 1000;
  const argumentsJson = JSON.stringify([runFolder, program.version, idleS]);
  return [
    program.bootstrap,
    "import json",
    `sys.meta_path.insert(0, Streamed(json.loads(${pythonString(JSON.stringify(program.sources))})))`,
    "from agent.launch import launch",
    `launch(*json.loads(${pythonString(argumentsJson)}))`,
    "",
  ].join("\n");
};

/** A JSON string literal in ASCII is a Python string literal, too. */
const pythonString = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** @throws {RangeError} when the path is longer than a Unix socket's may be (man 7 unix: 108 bytes with its end). */
export const agentSocket = (runFolder: string, version: string): string => {
  const path = `${runFolder}/agent-${version}.sock`;
  if (Buffer.byteLength(path) > 107) {
    throw new RangeError(
      `run folder ${runFolder}: the agent's socket ${path} is longer than 107 bytes; use a shorter run folder`,
    );
  }
  return path;
};
