/** Brings the agent up on a host, and opens streams to it. */
import type { Duplex } from "node:stream";
import { agentProgram, agentSocket, launcherSource } from "./agent-program.ts";
import { CommandFailed, NoExitStatus } from "./shell.ts";
import type { Ssh } from "./ssh.ts";

const launchTimeoutMs = 30_000;

/**
 * A stream to the host's agent of this version, which is started when nothing listens. Two workers
 * that start it at once get the same one (the launcher holds a lock).
 * @throws {NoExitStatus} @throws {CommandFailed} the host has no Python 3.8, or the run folder cannot be made.
 */
export const connectAgent = async (
  host: string,
  link: Ssh,
  runFolder: string,
  privilege: readonly string[],
): Promise<Duplex> => {
  const program = await agentProgram();
  const path = agentSocket(runFolder, program.version);
  const running = await link.socket(path);
  if (running !== null) return running;
  const argv = [...privilege, "python3", "-"];
  const launched = await link.run(argv, {
    stdin: launcherSource(program, runFolder),
    timeoutMs: launchTimeoutMs,
  });
  if (launched.exitCode !== 0) throw new CommandFailed(host, argv, launched);
  const started = await link.socket(path);
  if (started === null) {
    throw new NoExitStatus(
      `${host}: the agent was started, but SSH opens no stream to ${path}; does sshd allow AllowStreamLocalForwarding?`,
    );
  }
  return started;
};
