import { hostNames } from "../../model/testbed.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { notBooted } from "./booted.ts";
import { notReached, reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { repaired, repairedAll } from "./host-failure.ts";
import { bootIdsBefore, names } from "./rung.ts";

/** Orders the reboot and returns before it happens. `b` reboots at once, without unmounting (Linux, admin-guide/sysrq): a graceful way may hang on what made the reboot needed. */
const orderReboot = [
  ...["sh", "-c"],
  "nohup sh -c 'sleep 1; sync; echo b > /proc/sysrq-trigger' >/dev/null 2>&1 &",
];

/**
 * Reboots hosts by a command on them: only hosts that declare *reboot from inside* (in a namespace
 * the same command would reboot the machine around it). Proven by another boot id. A host that has
 * been booted since the attempt was prepared is not booted again.
 */
export async function reboot(setup: RungSetup): Promise<Climbed> {
  const { bench, order } = setup;
  const never = order.hosts.filter((host) => !declaresReboot(setup, host));
  if (never.length > 0)
    return { status: "failed", words: `${names(never)}: declares no reboot from inside` };
  const reached = await reach(setup);
  const silent = notReached(reached, (host) => order.hosts.includes(host));
  if (silent !== null) return silent;
  const { fence } = reached;
  const before = await bootIdsBefore(setup);
  const repairs = await Promise.all(
    order.hosts.map((one) =>
      repaired(one, async (host) => {
        const now = fence.bootIds[host];
        if (now === undefined) return `${host}: its boot id is not known`;
        if (before[host] !== undefined && before[host] !== now) return null;
        try {
          await (await bench.hosts.agent(host)).act(fence, orderReboot, { timeoutMs: 10_000 });
        } catch (error) {
          // It may have gone down before it answered; the boot id tells.
          if (!(error instanceof NoExitStatus)) throw error;
        }
        return await notBooted(setup, host, now);
      }),
    ),
  );
  return repairedAll(repairs, `${names(order.hosts)}: another boot id`);
}

function declaresReboot({ bench }: RungSetup, host: string): boolean {
  const name = hostNames.find((known) => known === host);
  return name !== undefined && bench.testbed.hosts[name].rebootFromInside;
}
