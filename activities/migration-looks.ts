/**
 * Looks at a migration under way from beside its driver: the driver's own progress as it comes, and at
 * every interval the bytes on the migration link and one question to the toolstack. Nothing is started
 * on the host: its agent, which runs anyway, reads counters and speaks to a socket.
 */
import { setTimeout as wait } from "node:timers/promises";
import { watchable } from "../hypervisors/hypervisor.ts";
import type { Glance } from "../hypervisors/hypervisor.ts";
import type { HangRule } from "../model/hang.ts";
import type { MigrationProgress } from "../model/measurement.ts";
import type { MigrationWatch, ProgressSample } from "../model/watch.ts";
import { NoExitStatus } from "../remote/shell.ts";
import { judgeProgress, linkNoiseBytes, thinned } from "../stats/progress-judge.ts";
import { nicOn } from "./flow.ts";
import { progress } from "./progress.ts";
import type { MigrationSetup } from "./setup.ts";
import { within } from "./watch-evidence.ts";

export interface Hung {
  readonly verdict: Exclude<MigrationWatch["verdict"], "progressing">;
  readonly reason: string;
  readonly boundMs: number;
  readonly detectionTimeMs: number;
}

/** A host that misses one look may be busy; one that misses two is not there. */
const missesAllowed = 1;
/** More samples than this are thinned to those that a judge can still need. */
const samplesKept = 10_000;

export interface MigrationLooks {
  /** The driver's progress. A heartbeat when something moved. */
  readonly saw: (seen: MigrationProgress) => void;
  /** Ascending in time. */
  readonly samples: () => readonly ProgressSample[];
  /** Resolves at the first verdict against the migration; never when `signal` comes first. @throws {NoExitStatus} the source host's agent answers no more */
  readonly untilHung: (signal: AbortSignal) => Promise<Hung>;
}

export function migrationLooks(setup: MigrationSetup, rule: HangRule): MigrationLooks {
  const { bench, driver, guest, order, host } = setup;
  const { device } = nicOn(bench.testbed, host, "migration");
  const beat = heartbeatOfProgress();
  let samples: ProgressSample[] = [];
  let glance: Glance | null = null;
  /** When the toolstack last answered. */
  let answered = performance.now();
  let mostTransferred = 0;

  const note = (sample: ProgressSample): void => {
    mostTransferred = Math.max(mostTransferred, sample.transferredBytes ?? 0);
    const late = (samples.at(-1)?.atUs ?? -Infinity) > sample.atUs;
    samples.push(sample);
    if (late) samples.sort((one, other) => one.atUs - other.atUs);
    if (samples.length > samplesKept)
      samples = thinned(samples, sample.atUs - rule.windowMs * 1000);
    beat(sample);
  };

  async function look(): Promise<Hung | null> {
    const agent = await bench.hosts.agent(order.source);
    const { atUs, interfaces } = await within(
      agent.counters(),
      rule.questionTimeoutMs,
      order.source,
    );
    // An answer from before the driver's newest word would look like growth when the next one comes.
    const told = glance?.progress ?? null;
    const stale = told !== null && (told.transferredBytes ?? Infinity) < mostTransferred;
    note({
      atUs,
      remainingBytes: stale ? null : (told?.remainingBytes ?? null),
      transferredBytes: stale ? null : (told?.transferredBytes ?? null),
      iteration: stale ? null : (told?.iteration ?? null),
      linkBytes: interfaces[device]?.txBytes ?? null,
    });
    const { verdict, sinceUs } = judgeProgress(samples, rule);
    if (verdict === "progressing") return null;
    // The driver's word may have come just after this look: the judge speaks of the newest of both.
    const judgedUs = samples.at(-1)?.atUs ?? atUs;
    const detectionTimeMs = sinceUs === null ? rule.windowMs : (judgedUs - sinceUs) / 1000;
    const what = verdict === "stalled" ? "nothing moved" : "what remains did not get less";
    return {
      verdict,
      reason: `${what} for ${seconds(detectionTimeMs)} (window ${seconds(rule.windowMs)})`,
      boundMs: rule.boundMs,
      detectionTimeMs,
    };
  }

  /** One question. Its silence counts only where the host itself still answers; it began with the last answer. */
  async function ask(): Promise<Hung | null> {
    if (!watchable(driver)) return null;
    const asked = performance.now();
    try {
      glance = await driver.glance(order.source, guest, rule.questionTimeoutMs);
      answered = performance.now();
      return null;
    } catch (error) {
      if (!(error instanceof NoExitStatus)) throw error;
      const agent = await bench.hosts.agent(order.source);
      await within(agent.counters(), rule.questionTimeoutMs, order.source);
      const now = performance.now();
      return {
        verdict: "api-hung",
        reason: `${order.source}: the toolstack left a question unanswered for ${seconds(now - asked)}: ${error.message}`,
        boundMs: rule.apiBoundMs,
        detectionTimeMs: now - answered,
      };
    }
  }

  return {
    saw: ({ atUs, remainingBytes, transferredBytes, iteration }) =>
      note({ atUs, remainingBytes, transferredBytes, iteration, linkBytes: null }),
    samples: () => samples,

    untilHung: async (signal) => {
      let asking: Promise<Hung | null> = Promise.resolve(null);
      const answers = repeated(() => (asking = ask()), rule.probeIntervalMs, signal);
      // Nothing moves where the toolstack is silent, either: a question under way is heard out first.
      const moves = repeated(look, rule.probeIntervalMs, signal).then(
        async (hung) => (await asking) ?? hung,
      );
      return Promise.race([answers, moves]);
    },
  };
}

/** Runs `look` once an interval, never two at a time, until it finds something. Rests for good when `signal` comes. */
async function repeated(
  look: () => Promise<Hung | null>,
  intervalMs: number,
  signal: AbortSignal,
): Promise<Hung> {
  const { promise: never } = Promise.withResolvers<never>();
  let misses = 0;
  for (let due = performance.now() + intervalMs; ; due += intervalMs) {
    // A look that took longer than the interval is followed by the next at once, not by all that were missed.
    due = Math.max(due, performance.now());
    await wait(due - performance.now(), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return never;
    try {
      const found = await look();
      if (signal.aborted) return await never;
      if (found !== null) return found;
      misses = 0;
    } catch (error) {
      if (signal.aborted) return await never;
      misses += 1;
      if (!(error instanceof NoExitStatus) || misses > missesAllowed) throw error;
    }
  }
}

/** A heartbeat only when the platform or the migration link shows that something moved; cross-traffic always does. */
function heartbeatOfProgress(): (sample: ProgressSample) => void {
  let platform = "";
  let link = -Infinity;
  return ({ transferredBytes, remainingBytes, iteration, linkBytes }) => {
    const now = `${transferredBytes} ${remainingBytes} ${iteration}`;
    const told = transferredBytes !== null || remainingBytes !== null || iteration !== null;
    const moved = told && now !== platform;
    const carried = linkBytes !== null && linkBytes - link > linkNoiseBytes;
    if (told) platform = now;
    if (carried) link = linkBytes;
    if (moved)
      progress({ transferredBytes: transferredBytes ?? -1, remainingBytes: remainingBytes ?? -1 });
    else if (carried) progress({ linkBytes });
  };
}

const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
