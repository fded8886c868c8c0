/** One router at a time: the guest of the platform that is measured, where its trial begins. */
import type { GuestSpec } from "../model/guest.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Fence } from "../remote/agent.ts";
import { NoExitStatus } from "../remote/shell.ts";
import type { Bench } from "./deps.ts";
import { part } from "./parts.ts";
import { routerSilence } from "./router-answers.ts";
import type { RouterHost } from "./setup.ts";
import { routerHostsOf } from "./taking-part.ts";

export interface RouterWanted {
  /** What can be done while the router is asked whether it answers. Idempotent: a router that is silent is made anew and asked again. */
  readonly beside?: (router: "kept" | "created") => Promise<unknown>;
  readonly platform: string;
  readonly host: RouterHost;
  /** The guest of every platform of the testbed, by platform. */
  readonly guests: Readonly<Record<string, GuestSpec>>;
  /** Prefix of the names of the units that ask whether it answers; unique on the hosts' boot. */
  readonly unit: string;
}

/** A router that runs already answers at once; a new one has its interfaces up when `create` returns. */
const answerMs = { kept: 2000, created: 15_000 };

/**
 * Idempotent. Leaves the wanted guest alone when it runs where it must, nothing else does, and it
 * forwards; destroys and creates otherwise. @throws {Error} a new router that does not answer.
 */
export async function ensureRouter(
  bench: Bench,
  fence: Fence,
  wanted: RouterWanted,
): Promise<"kept" | "created"> {
  const { driver, guest } = routerOf(bench, wanted, wanted.platform);
  const [states, matches] = await part("inspect routers", () =>
    Promise.all([
      inspectAll(bench, wanted.guests, routerHostsOf(fence)),
      driver.matches(wanted.host, guest),
    ]),
  );
  const alien = states.filter(
    ({ platform, host, state }) =>
      state !== "absent" && !(platform === wanted.platform && host === wanted.host),
  );
  const here = states.find(
    ({ platform, host }) => platform === wanted.platform && host === wanted.host,
  );
  const beside = async (router: "kept" | "created") => wanted.beside?.(router);
  await part("destroy other routers", () =>
    Promise.all(
      alien.map(async ({ platform, host }) => {
        const other = routerOf(bench, wanted, platform);
        await other.driver.destroy(fence, host, other.guest);
      }),
    ),
  );
  if (here?.state === "running" && matches) {
    const besides = beside("kept");
    // What goes on beside a router that answers nothing may fail for that: a new one is what helps.
    const [silence] = await Promise.all([
      part("router answers", () =>
        routerSilence(bench, fence, `${wanted.unit}.kept`, answerMs.kept),
      ),
      Promise.allSettled([besides]),
    ]);
    if (silence === null) {
      await besides;
      return "kept";
    }
  }
  await part("create router", async () => {
    await driver.destroy(fence, wanted.host, guest);
    await driver.create(fence, wanted.host, guest);
  });
  const [silence] = await allEnded([
    part("router answers", () =>
      routerSilence(bench, fence, `${wanted.unit}.created`, answerMs.created),
    ),
    beside("created"),
  ]);
  if (silence !== null)
    throw new Error(`${wanted.host}: the new router ${guest.name} does not forward: ${silence}`);
  return "created";
}

/** As `Promise.all`, but nothing goes on behind a failure: what is left would meet the next attempt. */
export async function allEnded<Results extends unknown[]>(work: {
  [Each in keyof Results]: Promise<Results[Each]>;
}): Promise<Results> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

async function inspectAll(
  bench: Bench,
  guests: Readonly<Record<string, GuestSpec>>,
  hosts: readonly RouterHost[],
) {
  const places = Object.entries(guests).flatMap(([platform, guest]) =>
    hosts.map((host) => ({ platform, guest, host })),
  );
  return Promise.all(
    places.map(async ({ platform, guest, host }) => ({
      platform,
      host,
      state: await stateOf(bench, platform, host, guest),
    })),
  );
}

/** `silent`: the toolstack does not tell. What is there then is no router to keep. */
async function stateOf(bench: Bench, platform: string, host: RouterHost, guest: GuestSpec) {
  try {
    return (await bench.drivers[platform]?.inspect(host, guest)) ?? "absent";
  } catch (error) {
    if (error instanceof NoExitStatus) return "silent";
    throw error;
  }
}

function routerOf(bench: Bench, { guests }: RouterWanted, platform: string) {
  const driver = bench.drivers[platform];
  const guest = guests[platform];
  if (driver === undefined || guest === undefined)
    throw new UsageError(
      `testbed ${bench.testbed.name} has no driver for ${platform}; it has: ${Object.keys(bench.drivers).join(", ")}`,
    );
  return { driver, guest };
}
