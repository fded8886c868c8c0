/** Evidence of a hang or a lockup, written to the store as it is found. */
import { watchable } from "../hypervisors/hypervisor.ts";
import type { HostName } from "../model/testbed.ts";
import type { HostBoot } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { TrialDeps } from "./deps.ts";
import type { RouterHost, Setup } from "./setup.ts";

/** A host that says nothing for so long is called silent. */
const hostDeadlineMs = 5000;

/** Keys of the stored events, one for each host. `what` tells apart when it was taken. Never throws for what a host does not tell. */
export async function storeEvidence(
  { store }: TrialDeps,
  setup: Setup,
  hosts: readonly RouterHost[],
  what: string,
  more: Readonly<Record<string, unknown>> = {},
  timeoutMs = hostDeadlineMs,
): Promise<readonly string[]> {
  const { ref, driver, guest } = setup;
  return Promise.all(
    hosts.map(async (host) => {
      const key = `${ref.trialId}#${ref.attempt} evidence ${what} ${host}`;
      const content = await outcomeOf(
        watchable(driver)
          ? within(driver.evidence(host, guest, timeoutMs), timeoutMs + hostDeadlineMs, host)
          : driver.inspect(host, guest).then((state) => ({ state })),
      );
      await store.putEvent({
        key,
        testbed: ref.testbed,
        campaign: ref.campaignId,
        trial: ref.trialId,
        attempt: ref.attempt,
        host,
        kind: "evidence",
        content: { what, ...more, ...content },
        at: new Date().toISOString(),
      });
      return key;
    }),
  );
}

/** Whether these hosts are still in the boot that the attempt was prepared on. */
export async function hostBoots(
  { bench }: Setup,
  fence: Fence,
  hosts: readonly HostName[],
): Promise<readonly HostBoot[]> {
  return Promise.all(
    hosts.map(async (host): Promise<HostBoot> => {
      try {
        const asked = bench.hosts.agent(host).then((agent) => agent.identity());
        const { bootId } = await within(asked, hostDeadlineMs, host);
        return { host, state: bootId === fence.bootIds[host] ? "same" : "booted" };
      } catch (error) {
        if (error instanceof NoExitStatus) return { host, state: "silent" };
        throw error;
      }
    }),
  );
}

/** @throws {NoExitStatus} the answer did not come in time; the question goes on by itself. */
export async function within<T>(question: Promise<T>, timeoutMs: number, host: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoExitStatus(`${host}: no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
  });
  try {
    return await Promise.race([question, late]);
  } finally {
    clearTimeout(timer);
    question.catch(() => undefined); // whoever was told of the time-out needs no second word
  }
}

const outcomeOf = (
  asked: Promise<Readonly<Record<string, unknown>>>,
): Promise<Readonly<Record<string, unknown>>> =>
  asked.catch((error: unknown) => ({ failed: String(error) }));
