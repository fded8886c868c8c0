import type { Agent, Fence } from "../remote/agent.ts";
import { CommandFailed } from "../remote/shell.ts";

interface ActOptions {
  readonly timeoutMs?: number;
  readonly stdin?: string;
}

/** A changing command that must succeed. @throws {CommandFailed} */
export const act = async (
  agent: Agent,
  fence: Fence,
  argv: readonly string[],
  options: ActOptions = {},
): Promise<string> => {
  const result = await agent.act(fence, argv, options);
  if (result.exitCode !== 0) throw new CommandFailed(agent.host, argv, result);
  return result.stdout;
};

/** A reading command that must succeed. @throws {CommandFailed} */
export const read = async (
  agent: Agent,
  argv: readonly string[],
  options: { readonly timeoutMs?: number } = {},
): Promise<string> => {
  const result = await agent.read(argv, options);
  if (result.exitCode !== 0) throw new CommandFailed(agent.host, argv, result);
  return result.stdout;
};
