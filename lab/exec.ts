import { spawn } from "node:child_process";
import { isAlive } from "./processes.ts";
import { readLab, type LabState } from "./records.ts";
import type { HostName } from "../model/testbed.ts";
import { openSshCommand } from "./ssh-access.ts";
import { isMachine } from "./topology.ts";

/** Runs a command on a host of the lab with this terminal's standard streams. The command's exit code. @throws {Error} the host has no power */
export const labExec = (
  state: LabState,
  name: HostName,
  argv: readonly string[],
): Promise<number> => {
  const lab = readLab(state);
  const host = lab?.hosts[name];
  if (!lab || !host || !isAlive(host))
    throw new Error(`${name}: powered off; \`longhaul lab power ${name} on\` switches it on`);
  const command = isMachine(lab.file, name)
    ? openSshCommand(state, name, argv)
    : ["nsenter", "-t", String(host.pid), "--mount", "--uts", "--net", "--pid", "--", ...argv];
  const [program = "", ...args] = command;
  const child = spawn(program, args, { cwd: "/", stdio: "inherit" });
  return new Promise((ended, failed) => {
    child.on("error", failed);
    // As a shell says it: a command that a signal ended has 128 and more.
    child.on("close", (code) => ended(code ?? 128));
  });
};
