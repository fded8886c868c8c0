import { unitName } from "../../model/unit-name.ts";
import { routerSilence } from "../router-answers.ts";
import { notReached, reach } from "./reach.ts";
import type { Climbed, RungSetup } from "./rung.ts";
import { on } from "./host-failure.ts";
import { routerHosts } from "./rung.ts";

const answerMs = 15_000;

/** Starts the trial's router on R1, and asks through it. Refuses while any router is left on either host: the proof is made anew, not taken over from the rung before. */
export async function recreate(setup: RungSetup): Promise<Climbed> {
  const { bench, driver, guest, routers, order } = setup;
  const reached = await reach(setup);
  const silent = notReached(reached);
  if (silent !== null) return silent;
  const { fence } = reached;
  for (const host of routerHosts(setup))
    for (const other of routers) {
      const state = await on(host, () => other.driver.inspect(host, other.guest));
      if (state !== "absent" && !isOurs(host, other.guest.name))
        return {
          status: "failed",
          words: `${host}: ${other.guest.name} is ${state}; a second router is never started`,
          suspects: [host],
        };
    }
  await on("R1", () => driver.create(fence, "R1", guest));
  const unit = unitName(order.ref, `recreated-${order.ref.token}`);
  const silence = await routerSilence(bench, fence, unit, answerMs);
  return silence === null
    ? { status: "verified", words: `${guest.name} runs on R1 and forwards` }
    : { status: "failed", words: `the new router does not forward: ${silence}` };

  /** Of an earlier run of this act under the same token, whose answer was lost. */
  function isOurs(host: string, name: string): boolean {
    return host === "R1" && name === guest.name;
  }
}
