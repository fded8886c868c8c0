import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Testbed } from "../model/testbed.ts";
import type { Fence, Hosts } from "../remote/agent.ts";
import { endAddress } from "./flow.ts";

const source = readFileSync(new URL("./echo.py", import.meta.url), "utf8");
const resultSchema = z.object({
  answered: z.boolean(),
  tries: z.number(),
  error: z.string().nullish(),
});

/** Through which the router is crossed: the measured one, and the side flow beside it. They share no NIC of the router. */
const flows = { load: ["A", "B"], side: ["C", "D"] } as const;
export type Flow = keyof typeof flows;

/**
 * Sends echo requests A→B and C→D through the router until all are answered: these are the learning
 * frames of RFC 2544 §23 b, and the proof that the router forwards on all its NICs, or on those of the
 * flows that are asked for. `name` is unique on the hosts' boot. null: it answers. Otherwise says who
 * got no answer.
 */
export async function routerSilence(
  { testbed, hosts }: { readonly testbed: Testbed; readonly hosts: Hosts },
  fence: Fence,
  name: string,
  deadlineMs: number,
  through: readonly Flow[] = ["load", "side"],
): Promise<string | null> {
  const silences = await Promise.all(
    through.map(async (flow) => {
      const [from, to] = flows[flow];
      const agent = await hosts.agent(from);
      await agent.startUnit(fence, {
        name,
        deadlineMs: deadlineMs + 2000,
        program: {
          kind: "python",
          source,
          args: { destination: endAddress(testbed, to), deadlineMs },
        },
      });
      const output = await agent.waitUnit(name, { timeoutMs: deadlineMs + 5000 });
      const parsed = resultSchema.safeParse(output.result);
      if (parsed.success && parsed.data.answered) return null;
      const why = parsed.success ? parsed.data.error : output.stderr;
      return `${from} got no answer from ${to} through the router within ${deadlineMs} ms${why ? ` (${why})` : ""}`;
    }),
  );
  const said = silences.filter((silence) => silence !== null);
  return said.length === 0 ? null : said.join("; ");
}
