import type { Agent, Hosts, UnitOrder, UnitOutput, UnitState } from "../../remote/agent.ts";
import { NoExitStatus } from "../../remote/shell.ts";

/** An agent that knows units only; every other verb fails the test. */
export const scriptedAgent = (script: {
  readonly log: readonly unknown[];
  readonly result: unknown;
  readonly status?: UnitState["status"];
  /** What the unit's socket answers; closed without an answer by default. */
  readonly says?: readonly string[];
}) => {
  const orders: UnitOrder[] = [];
  const asked: (readonly [string, unknown])[] = [];
  const state = (name: string): UnitState => ({
    name,
    token: 1,
    status: script.status ?? "ended",
    exitCode: 0,
    signal: null,
    startedUs: 0,
    endedUs: 1,
    deadlineUs: 2,
  });
  const verbs: Partial<Agent> = {
    host: "A",
    startUnit: async (_fence, order) => {
      orders.push(order);
      return state(order.name);
    },
    unit: async (name) => state(name),
    followUnit: async function* () {
      yield* script.log;
    },
    waitUnit: async (name): Promise<UnitOutput> => ({
      state: state(name),
      result: script.result,
      stdout: "",
      stderr: "",
    }),
    converse: async (_fence, socket, exchange) => {
      asked.push([socket, exchange]);
      if (script.says === undefined) throw new NoExitStatus(`A: ${socket}: closed`);
      return script.says;
    },
  };
  const agent = new Proxy(verbs, {
    get: (known, verb: string) => {
      if (verb in known) return known[verb as keyof Agent];
      if (verb === "then") return undefined;
      throw new Error(`the script has no ${verb}`);
    },
  }) as Agent;
  const hosts: Hosts = { agent: async () => agent, close: async () => undefined };
  return { agent, hosts, orders, asked };
};
