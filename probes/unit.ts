/** Probes are python units of the agent's own modules: started, ready, stopped, collected. */
import type { z } from "zod";
import type { Agent, Fence } from "../remote/agent.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";

const readyTimeoutMs = 10_000;

export interface ProbeOrder {
  /** A module of probes/agent with a `main(args, unit)` that emits `{"ready": true}`. */
  readonly module: string;
  readonly args: unknown;
  readonly deadlineMs: number;
}

/** Returns when the probe measures. Idempotent by name. @throws {CommandFailed} with its traceback when it ended before. */
export const startProbe = async (
  agent: Agent,
  fence: Fence,
  name: string,
  { module, args, deadlineMs }: ProbeOrder,
): Promise<void> => {
  await agent.startUnit(fence, {
    name,
    program: { kind: "python", source: `from agent.${module} import main\n`, args },
    deadlineMs,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new NoExitStatus(`${agent.host}: ${name} was not ready within ${readyTimeoutMs} ms`),
        ),
      readyTimeoutMs,
    );
  });
  try {
    const isReady = await Promise.race([firstLine(agent, name), late]);
    if (!isReady) await collectProbe(agent, fence, name, null);
  } finally {
    clearTimeout(timer);
  }
};

const firstLine = async (agent: Agent, name: string): Promise<boolean> => {
  for await (const _line of agent.followUnit(name)) return true;
  return false;
};

/**
 * Stops the probe if it still runs, and answers with its result, checked. Also long after it ended, and again.
 * @throws {CommandFailed} the probe ended without a result: with what it wrote to standard error.
 */
export const collectProbe = async <Result>(
  agent: Agent,
  fence: Fence,
  name: string,
  schema: z.ZodType<Result> | null,
): Promise<Result> => {
  const begun = performance.now();
  const output = await agent.stopUnit(fence, name, { graceMs: 30_000 });
  if (output.result === null || schema === null) {
    throw new CommandFailed(agent.host, ["unit", name, output.state.status], {
      exitCode: output.state.exitCode ?? -1,
      stdout: output.stdout,
      stderr: output.stderr,
      durationMs: performance.now() - begun,
    });
  }
  return schema.parse(output.result);
};
