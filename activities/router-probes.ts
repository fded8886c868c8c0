/** Questions of different kinds to one router. Each answers for itself; none of them changes the router. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { commandsGuest } from "../hypervisors/hypervisor.ts";
import type { Answer, RouterFindings } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import { parseSnmpIp } from "../remote/counter-snapshot.ts";
import { CommandFailed, NoExitStatus } from "../remote/shell.ts";
import { endAddress, endNic, ends, segmentOf } from "./flow.ts";
import type { End } from "./flow.ts";
import type { RouterHost, Setup } from "./setup.ts";

const source = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
const programs = { arp: source("./arp.py"), ping: source("./echo.py") };
const answered = z.object({ answered: z.boolean() });
const deadlineMs = 3000;

/**
 * ARP on each NIC of the router: one that is dead by itself leaves the others alive. null: it has no
 * address anywhere.
 */
export async function askByArp(
  setup: Setup,
  fence: Fence,
): Promise<Pick<RouterFindings, "arp" | "arpSilentOn">> {
  const answers = await Promise.all(ends.map((end) => askOnSegment(setup, fence, "arp", end)));
  const arpSilentOn = ends.flatMap((end, index) =>
    answers[index] === "silent" ? [segmentOf[end]] : [],
  );
  if (answers.every((answer) => answer === null)) return { arp: null };
  return arpSilentOn.length === 0 ? { arp: "answers" } : { arp: "silent", arpSilentOn };
}

/** ARP or echo requests from an end to the router's own address on its segment; null: it has none there. */
export async function askOnSegment(
  { bench, unit }: Setup,
  fence: Fence,
  kind: keyof typeof programs,
  end: End,
): Promise<Answer | null> {
  const { testbed, hosts } = bench;
  const destination = testbed.router.nics
    .find(({ segment }) => segment === segmentOf[end])
    ?.address?.replace(/\/.*/, "");
  if (destination === undefined) return null;
  const { device, mac } = endNic(testbed, end);
  const agent = await hosts.agent(end);
  const name = unit(`lockup-${kind}`);
  await agent.startUnit(fence, {
    name,
    deadlineMs: deadlineMs + 2000,
    program: {
      kind: "python",
      source: programs[kind],
      args: { device, mac, source: endAddress(testbed, end), destination, deadlineMs },
    },
  });
  const { result, state, stderr } = await agent.waitUnit(name, { timeoutMs: deadlineMs + 5000 });
  const told = answered.safeParse(result);
  if (!told.success)
    throw new Error(`${end}: asking the router (${kind}) ended with ${state.status}\n${stderr}`);
  return told.data.answered ? "answers" : "silent";
}

interface GuestCount {
  readonly received: number;
  readonly forwarded: number;
}

/** What the guest's own kernel counted of IP; null: it does not answer. */
export async function guestCount(
  { driver, guest }: Setup,
  host: RouterHost,
): Promise<GuestCount | null> {
  if (!commandsGuest(driver)) return null;
  try {
    const ip = parseSnmpIp(await driver.inGuest(host, guest, ["cat", "/proc/net/snmp"]));
    return { received: ip.InReceives ?? 0, forwarded: ip.ForwDatagrams ?? 0 };
  } catch (error) {
    if (error instanceof NoExitStatus || error instanceof CommandFailed) return null;
    throw error;
  }
}

/** The guest's answer over a span in which frames were offered to it. Its kernel counts a frame as forwarded before the egress NIC has it: a dead one is found by ARP. */
export function guestAnswer(
  before: GuestCount | null,
  after: GuestCount | null,
): NonNullable<RouterFindings["guestCommand"]> {
  if (before === null || after === null) return "silent";
  // A few are its own: the flow offered to it is many times that.
  const took = after.received - before.received > framesOfItsOwn;
  return took && after.forwarded === before.forwarded ? "forwards-nothing" : "answers";
}

const framesOfItsOwn = 3;
