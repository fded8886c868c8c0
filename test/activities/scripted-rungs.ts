/** One rung on the scripted bench, with the power and the hosts that a test wants. */
import { recoveryActs } from "../../activities/recovery/acts.ts";
import type { TrialDeps } from "../../activities/deps.ts";
import type { RecoveryStep } from "../../model/ladder.ts";
import type { Power } from "../../power/power.ts";
import type { Agent } from "../../remote/agent.ts";
import type { EventRow, Store } from "../../store/store.ts";
import type { RecoveryActs, RungActs, RungAnswer } from "../../workflows/acts.ts";
import { quietActivity } from "./quiet-activity.ts";
import type { Script } from "./scripted-bench.ts";
import { scriptedBench } from "./scripted-bench.ts";
import { ref } from "./scripted-facts.ts";

export interface RungScript extends Script {
  readonly power?: Partial<Power>;
  /** In place of the host's agent. */
  readonly agent?: (host: string, agent: Agent) => Agent;
  readonly store?: Partial<Store>;
}

export function scriptedRungs({ power, agent, store: given, ...script }: RungScript = {}) {
  const { deps, bench, journal, stored } = scriptedBench(script);
  const verbs: Partial<Store> = {
    raiseToken: async () => true,
    testbed: async () => ({ content: {}, token: ref.token }),
    putRecoveryStep: async () => undefined,
    putEvent: async (event: EventRow) => {
      if (stored.events.every(({ key }) => key !== event.key)) stored.events.push(event);
    },
    ...given,
  };
  const store = new Proxy(deps.store, {
    get: (own, verb: string) =>
      verbs[verb as keyof Store] ?? (own as unknown as Record<string, unknown>)[verb],
  });
  const rungDeps: TrialDeps = {
    ...deps,
    store,
    bench: async () => ({
      ...bench,
      hosts: {
        ...bench.hosts,
        agent: async (name) => {
          const own = await bench.hosts.agent(name);
          return agent?.(name, own) ?? own;
        },
      },
      power: {
        state: async () => "on",
        on: async () => undefined,
        off: async () => undefined,
        cycle: async () => undefined,
        ...power,
      },
    }),
  };
  const climb = (
    act: keyof RungActs,
    step: RecoveryStep,
    hosts: readonly string[] = [],
    acts: RecoveryActs = recoveryActs(rungDeps),
  ): Promise<RungAnswer> => {
    const order = { ref, id: "r", why: "a test", step, hosts };
    return quietActivity().run(async (): Promise<RungAnswer> => acts[act](order));
  };
  return { climb, deps: rungDeps, journal, stored };
}

/** An agent of which some verbs are others. */
export const agentWith = (agent: Agent, verbs: Partial<Agent>): Agent =>
  new Proxy(agent, {
    get: (own, verb: string) =>
      verb in verbs
        ? verbs[verb as keyof Agent]
        : (own as unknown as Record<string, unknown>)[verb],
  });
