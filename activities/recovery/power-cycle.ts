import { bootIdNow, bootsBefore, notBooted } from "./booted.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { repaired, repairedAll } from "./host-failure.ts";
import { names, stillOurs } from "./rung.ts";

/**
 * Switches hosts off and on again from outside, which also fences one that does not answer: whatever
 * ran there is gone. Verified by the power's read-back and by another boot id than when it was first
 * run; what an earlier run under the same token has cycled is not cycled again.
 */
export async function powerCycle(setup: RungSetup): Promise<Climbed> {
  const { bench, order } = setup;
  const before = await bootsBefore(setup);
  const found: string[] = [];
  const repairs = [];
  // One after another: a lab switches one host at a time, and a PDU's inrush is kind to nobody.
  for (const host of order.hosts) repairs.push(await repaired(host, cycle));
  return repairedAll(
    repairs,
    `${names(order.hosts)}: power cycled (${found.join(", ")}), another boot`,
  );

  async function cycle(host: string): Promise<string | null> {
    const bootId = before.bootIds[host] ?? null;
    if (before.isRetry && bootId !== null) {
      const now = await bootIdNow(setup, host);
      if (now !== null && now !== bootId) {
        found.push(`${host} by an earlier run of this rung`);
        return null;
      }
    }
    await stillOurs(setup);
    found.push(`${host} was ${await bench.power.state(host)}`);
    await bench.power.cycle(host);
    const state = await bench.power.state(host);
    return state === "on"
      ? await notBooted(setup, host, bootId)
      : `${host}: its power reads ${state} after a cycle`;
  }
}
