import type { Climbed, RungSetup } from "./rung.ts";
import { names } from "./rung.ts";

/** Gives hosts up until a person lets them take part again. In the store: a campaign that comes later sees it, too. */
export async function quarantine({ deps, order }: RungSetup): Promise<Climbed> {
  const { ref, id, why, hosts } = order;
  const since = new Date().toISOString();
  const reason = `nothing on the ladder helped after ${ref.trialId}, attempt ${ref.attempt} (${why})`;
  for (const host of hosts)
    await deps.store.putQuarantine(ref.testbed, { host, reason, recovery: id, since });
  return { status: "verified", words: `${names(hosts)}: in quarantine until a person releases it` };
}
