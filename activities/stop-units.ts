import type { Fence } from "../remote/agent.ts";
import type { Setup } from "./setup.ts";
import { hostsOf } from "./taking-part.ts";

/** Ends every running unit of this attempt on every host of it, the load first. Idempotent. */
export async function stopUnits(setup: Setup, fence: Fence): Promise<void> {
  const { bench, stream, unit } = setup;
  await bench.generator.stop(fence, unit("load"), stream);
  const own = unit("");
  await Promise.all(
    hostsOf(fence).map(async (name) => {
      const agent = await bench.hosts.agent(name);
      const running = (await agent.units()).filter(
        (state) => state.status === "running" && state.name.startsWith(own),
      );
      await Promise.all(running.map((state) => agent.stopUnit(fence, state.name)));
    }),
  );
}
