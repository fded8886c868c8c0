/** What the acts on a trial are given. The worker builds it; tests script it. */
import type { Generator } from "../generators/generator.ts";
import type { Receiver } from "../generators/receiver.ts";
import type { Hypervisor } from "../hypervisors/hypervisor.ts";
import type { FaultInjector } from "../model/fault.ts";
import type { Testbed } from "../model/testbed.ts";
import type { Boots } from "../power/boots.ts";
import type { Power } from "../power/power.ts";
import type { Hosts } from "../remote/agent.ts";
import type { Store } from "../store/store.ts";

/** A testbed with everything that is needed to measure on it. */
export interface Bench {
  readonly testbed: Testbed;
  readonly hosts: Hosts;
  /** By platform name. */
  readonly drivers: Readonly<Record<string, Hypervisor>>;
  readonly generator: Generator;
  readonly receiver: Receiver;
  readonly power: Power;
  /** Absent where hosts boot what they boot. */
  readonly boots?: Boots;
  /** Makes the faults of a campaign file; absent where nobody can disturb the testbed on purpose. */
  readonly faults?: FaultInjector;
}

/** The testbed as a whole is not there, and nobody measures on it: whoever needs it waits. */
export class TestbedAway extends Error {
  override readonly name = "TestbedAway";
}

export interface TrialDeps {
  readonly store: Store;
  /** @throws {UsageError} no such testbed. @throws {TestbedAway} a lab that is not up. */
  bench(testbed: string): Promise<Bench>;
  /** Version and commit of Longhaul, stored with every trial. */
  readonly longhaulVersion: string;
}
