/**
 * What became of the router, asked after phase d. One question is always asked, through the NICs that
 * the load uses; a living router answers it within milliseconds. The others are asked only when
 * something speaks against it: it was silent then, or it is another boot of its guest.
 */
import { setTimeout as wait } from "node:timers/promises";
import { commandsGuest, hasConsole, watchable } from "../hypervisors/hypervisor.ts";
import type { VcpuTime } from "../hypervisors/hypervisor.ts";
import type { MigrationReport, OfferedLoad } from "../model/measurement.ts";
import type { RouterFindings } from "../model/watch.ts";
import type { Fence } from "../remote/agent.ts";
import { timeLine } from "../stats/clock.ts";
import type { Begun } from "./begun.ts";
import type { TrialDeps } from "./deps.ts";
import { bootIdOf } from "./guest-counters.ts";
import { bothStates, stateOn } from "./locate.ts";
import type { Probed } from "./probes.ts";
import { progress } from "./progress.ts";
import type { Flow } from "./router-answers.ts";
import { routerSilence } from "./router-answers.ts";
import { askByArp, askOnSegment, guestAnswer, guestCount } from "./router-probes.ts";
import type { RouterHost, Setup } from "./setup.ts";
import { hostBoots, storeEvidence } from "./watch-evidence.ts";
import { routerHosts } from "./watch-migration.ts";

interface Known {
  readonly begun: Begun;
  readonly offered: OfferedLoad;
  readonly probed: Probed;
  /** The one that came before; null: the router had no reason to move. */
  readonly migration: Pick<MigrationReport, "status"> | null;
  /** The router's own, where it should be now; null: it has none, or did not tell. */
  readonly bootIdAfter: string | null;
}

/** A router that does not answer for so long is asked in every other way. */
const silenceMs = 2000;
/** A virtual CPU that stood still for 3 s (and a heartbeat of one a second) is no coincidence. */
const spanMs = 3500;
/** A boot prints some hundreds. */
const consoleLines = 1000;

/** null: it answers on all its NICs, and is the same boot of the guest. */
export async function routerFindings(
  deps: TrialDeps,
  setup: Setup,
  fence: Fence,
  known: Known,
): Promise<RouterFindings | null> {
  const through: readonly Flow[] = sideFlowAnswered(known) ? ["load"] : ["load", "side"];
  const silence = setup.unit("silence");
  const silent = (await routerSilence(setup.bench, fence, silence, silenceMs, through)) !== null;
  // A silent guest costs every question its whole deadline: each that is over is progress.
  progress({ router: silent ? "silent" : "answers" });
  const before = known.begun.guestBootId;
  const [source, destination] = routerHosts(setup);
  const expected = known.migration?.status === "completed" ? destination : source;
  // One that was booting when its counters were read answers a moment later.
  const now = () => (before === null ? null : bootIdOf(setup, expected));
  const after = silent ? null : (known.bootIdAfter ?? (await now()));
  const rebooted = before !== null && after !== null && before !== after;
  if (!silent && !rebooted) return null;

  const hosts = routerHosts(setup).filter((name) => fence.bootIds[name] !== undefined);
  const states = await statesOn(setup, hosts);
  progress({ router: "states" });
  const moved = states.source !== "running" && states.destination === "running";
  const [host, other] = moved ? [destination, source] : [source, destination];
  const place = {
    host,
    state: moved ? states.destination : states.source,
    otherHost: { host: other, state: moved ? states.source : states.destination },
  };
  const asked =
    silent && place.state !== "stopped" && place.state !== "absent"
      ? await askInEveryWay(setup, fence, host)
      : { ...unasked, forwarding: silent ? ("silent" as const) : ("answers" as const) };
  progress({ router: "asked" });
  const told = await consoleSince(setup, host, known);
  const atUs = Date.now() * 1000;
  const findings = { atUs, ...place, ...asked, ...told, bootId: { before, after } };
  const [boots, evidence] = await Promise.all([
    hostBoots(setup, fence, hosts),
    storeEvidence(deps, setup, hosts, "of the router", { findings }),
  ]);
  return { ...findings, hosts: boots, evidence };
}

/** A host that takes no part carries no router: that was proven when it was given up. */
async function statesOn(setup: Setup, hosts: readonly RouterHost[]) {
  if (hosts.length > 1) return bothStates(setup);
  return { source: await stateOn(setup, setup.host), destination: "absent" as const };
}

/** The side flow C→D goes on after the load: one reply to a probe sent then is the proof for its NICs, and costs nothing. */
function sideFlowAnswered({ begun, offered, probed: { rtt } }: Known): boolean {
  const line = timeLine(begun.clocks);
  if (!line.knows("A") || !line.knows(rtt.host)) return false;
  const endUs = line.at("A", offered.endUs) - line.at(rtt.host, 0);
  return rtt.sentUs.some((us, index) => us > endUs && rtt.rttMs[index] != null);
}

type Asked = Pick<
  RouterFindings,
  "forwarding" | "arp" | "arpSilentOn" | "ping" | "heartbeat" | "guestCommand" | "vcpu"
>;
const unasked = {
  arp: null,
  ping: null,
  heartbeat: null,
  guestCommand: null,
  vcpu: null,
} satisfies Partial<Asked>;

/** Frames are offered to it all the while: what its CPU and its own counters do meanwhile is an answer. */
async function askInEveryWay(setup: Setup, fence: Fence, host: RouterHost): Promise<Asked> {
  const { driver, guest, bench } = setup;
  const began = performance.now();
  const vcpuNow = () => (watchable(driver) ? driver.vcpuTimes(host, guest) : null);
  const [vcpuBefore, beatBefore, countBefore] = await Promise.all([
    vcpuNow(),
    lastBeat(setup, host),
    guestCount(setup, host),
  ]);
  progress({ router: "first looks" });
  const [silence, arp, ping] = await Promise.all([
    routerSilence(bench, fence, setup.unit("lockup-forwarding"), silenceMs),
    askByArp(setup, fence),
    askOnSegment(setup, fence, "ping", "A"),
    wait(spanMs),
  ]);
  progress({ router: "frames, ARP, echo" });
  const [vcpuAfter, beatAfter] = await Promise.all([vcpuNow(), lastBeat(setup, host)]);
  const spanMeasuredMs = performance.now() - began;
  const countAfter = countBefore === null ? null : await guestCount(setup, host);
  return {
    forwarding: silence === null ? "answers" : "silent",
    ...arp,
    ping,
    heartbeat: beatAfter === null ? null : beatAfter === beatBefore ? "silent" : "answers",
    guestCommand: commandsGuest(driver) ? guestAnswer(countBefore, countAfter) : null,
    vcpu: vcpuSpan(vcpuBefore, vcpuAfter, spanMeasuredMs),
  };
}

function vcpuSpan(
  before: readonly VcpuTime[] | null,
  after: readonly VcpuTime[] | null,
  spanMs: number,
): RouterFindings["vcpu"] {
  if (before === null || after === null) return null;
  const spans = after.map(({ name, ranMs, waitedMs }) => {
    const first = before.find((one) => one.name === name) ?? { ranMs: 0, waitedMs: 0 };
    return { ranMs: ranMs - first.ranMs, waitedMs: waitedMs - first.waitedMs };
  });
  const sum = (key: "ranMs" | "waitedMs") => spans.reduce((total, one) => total + one[key], 0);
  const busiestMs = Math.max(...spans.map(({ ranMs, waitedMs }) => ranMs + waitedMs));
  return { spanMs, ranMs: sum("ranMs"), waitedMs: sum("waitedMs"), busiestMs };
}

const lastBeat = async (setup: Setup, host: RouterHost): Promise<number | null> =>
  beats(await tail(setup, host, 60)).at(-1) ?? null;

/** Heartbeats since the load began, and whether the kernel panicked since. */
async function consoleSince(
  setup: Setup,
  host: RouterHost,
  { begun }: Known,
): Promise<Pick<RouterFindings, "heartbeatS" | "panicked">> {
  const sinceMs = Date.now() - (begun.phases.at(-1)?.atUs ?? 0) / 1000;
  const text = await tail(setup, host, consoleLines);
  const uptimes = beats(text).slice(-Math.ceil(sinceMs / 1000) - 2);
  return {
    heartbeatS: text === null ? null : uptimes,
    panicked: /^.*Kernel panic - not syncing/m.test(text ?? ""),
  };
}

async function tail(
  { driver, guest }: Setup,
  host: RouterHost,
  lines: number,
): Promise<string | null> {
  return hasConsole(driver) ? driver.consoleTail(host, guest, lines) : null;
}

/** A kernel that begins to boot tells its name: an uptime of 0. */
const beats = (text: string | null): readonly number[] =>
  [...(text ?? "").matchAll(/^hb (\d+(?:\.\d+)?)|Linux version \d/gm)].map(([, uptime]) =>
    Number(uptime ?? 0),
  );
