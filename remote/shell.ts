/** The door to a machine: what every driver is given, and nothing about how it is reached. */

/** One finished command. `durationMs` is wall time on the controller, the connection included. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

/** The link broke or the time ran out before an exit status: the command may or may not have run. */
export class NoExitStatus extends Error {
  override name = "NoExitStatus";
}

/** The command ran and said no. Names the host, the command and both outputs. */
export class CommandFailed extends Error {
  override name = "CommandFailed";
  readonly result: CommandResult;
  constructor(host: string, argv: readonly string[], result: CommandResult) {
    super(
      `${host}: \`${argv.join(" ")}\` exited ${result.exitCode}\nstderr:\n${result.stderr}\nstdout:\n${result.stdout}`,
    );
    this.result = result;
  }
}

/** The host refused a changing act: its token is lower than one already seen, or the host was booted anew. */
export class Fenced extends Error {
  override name = "Fenced";
}
