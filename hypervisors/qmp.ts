/** QEMU's monitor over its Unix socket (docs/interop/qmp-spec.txt), one conversation per call. */
import { z } from "zod";
import type { Agent, Fence } from "../remote/agent.ts";
import { CommandFailed } from "../remote/shell.ts";

export interface QmpCommand {
  readonly execute: string;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

const answer = z.object({
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
});

/**
 * The commands' return values in their order. Answers are told from events by their id. A fence of
 * null is for commands that change nothing. A socket serves one client at a time: a second waits.
 * @throws {CommandFailed} QEMU refused one @throws {NoExitStatus} no answer in time
 */
export const qmp = async (
  agent: Agent,
  fence: Fence | null,
  socket: string,
  commands: readonly QmpCommand[],
  options: { readonly timeoutMs?: number } = {},
): Promise<readonly unknown[]> => {
  const exchange = [
    { send: null, until: '"QMP"' },
    ...[{ execute: "qmp_capabilities" }, ...commands].map((command, index) => ({
      send: JSON.stringify({ ...command, id: `longhaul-${index}` }),
      until: `"id": *"longhaul-${index}"`,
    })),
  ];
  const lines = await agent.converse(fence, socket, exchange, options);
  return lines.slice(2).map((line, index) => {
    const { error, return: value } = answer.parse(JSON.parse(line));
    const command = JSON.stringify(commands[index]);
    if (error)
      throw new CommandFailed(agent.host, ["qmp", command], {
        exitCode: 1,
        stdout: "",
        stderr: `${error.class}: ${error.desc}`,
        durationMs: 0,
      });
    return value;
  });
};
