/** The observers of one trial: samplers on every host, the sink, the side flow, the hosts' own load. */
import type {
  ClockOffset,
  CounterSeries,
  HostLoad,
  MigrationMeasurement,
  OfferedLoad,
  RawArrivals,
  RttSeries,
  SinkSummary,
} from "../model/measurement.ts";
import type { HostName } from "../model/testbed.ts";
import { collectCounterSeries, startCounterSeries } from "../probes/counter-series.ts";
import { collectHostLoad, startHostLoad } from "../probes/host-load.ts";
import { collectRtt, startRtt } from "../probes/rtt.ts";
import type { Agent, Fence } from "../remote/agent.ts";
import { timeLine } from "../stats/clock.ts";
import { endAddress, receivingEnd } from "./flow.ts";
import type { Setup } from "./setup.ts";
import { hostsOf } from "./taking-part.ts";

export interface Probed {
  readonly sink: SinkSummary;
  readonly rtt: RttSeries;
  readonly hostLoad: readonly HostLoad[];
  /** One bundle for each host. */
  readonly series: readonly { clock: ClockOffset; series: readonly CounterSeries[] }[];
  readonly accuracy: MigrationMeasurement["accuracy"];
  /** Stamps of every frame; null unless the campaign keeps them. */
  readonly raw: RawArrivals | null;
}

/** Beyond settling, learning, load and draining: for whatever comes in between, and for a `collect` after the worker died. */
const slackMs = 120_000;

const deadlineMs = ({ campaign, stream }: Setup): number => {
  const { settleMs, learnMs, drainMs } = campaign.phases;
  return settleMs + learnMs + stream.durationMs + drainMs + slackMs;
};

const agentsOf = ({ bench }: Setup, fence: Fence): Promise<readonly Agent[]> =>
  Promise.all(hostsOf(fence).map((name) => bench.hosts.agent(name)));

/** Hosts on one machine, which share its clock, share its CPUs: one of them tells for all. */
const loadHosts = ({ bench }: Setup, fence: Fence): readonly HostName[] => {
  const isOwn = (name: HostName) => bench.testbed.hosts[name].ownClock;
  const sharing = hostsOf(fence).filter((name) => !isOwn(name));
  const teller = sharing.find((name) => name === "R1") ?? sharing[0];
  return [...hostsOf(fence).filter(isOwn), ...(teller === undefined ? [] : [teller])];
};

/** Samplers, sink and side flow; returns when all of them measure. Idempotent. */
export async function startProbes(setup: Setup, fence: Fence): Promise<void> {
  const { bench, campaign, stream, unit } = setup;
  const deadline = { deadlineMs: deadlineMs(setup) };
  const [agents, side] = await Promise.all([agentsOf(setup, fence), bench.hosts.agent("C")]);
  await Promise.all([
    ...agents.map((agent) =>
      startCounterSeries(agent, fence, unit("counters"), {
        intervalMs: campaign.samplingIntervalMs,
        ...deadline,
      }),
    ),
    bench.receiver.start(fence, unit("sink"), receivingEnd(bench.testbed), {
      udpPort: stream.udpPort,
      tag: stream.tag,
      fps: stream.fps,
      sequenceModulus: bench.generator.sequenceModulus(stream),
      keepRaw: campaign.keepRaw,
      ...deadline,
    }),
    startRtt(side, fence, unit("rtt"), {
      destination: endAddress(bench.testbed, "D"),
      source: endAddress(bench.testbed, "C"),
      intervalMs: campaign.rttIntervalMs,
      ...deadline,
    }),
  ]);
}

/** Begins to measure the hosts' own load: last of all, its looks begin shortly before the load. */
export async function startLoadProbes(setup: Setup, fence: Fence): Promise<void> {
  await Promise.all(
    loadHosts(setup, fence).map(async (name) =>
      startHostLoad(await setup.bench.hosts.agent(name), fence, setup.unit("host-load"), {
        deadlineMs: deadlineMs(setup),
      }),
    ),
  );
}

/**
 * Stops all probes and brings home what they measured. Hosts' load and samplers' accuracy are those of the
 * load phase, however late the probes are collected. May be repeated.
 * @throws {CommandFailed} one of them left no result.
 */
export async function collectProbes(
  setup: Setup,
  fence: Fence,
  clocks: readonly ClockOffset[],
  load: Pick<OfferedLoad, "startUs" | "endUs">,
): Promise<Probed> {
  const { bench, stream, unit } = setup;
  const line = timeLine(clocks);
  /** null: stamps of that host cannot be placed. */
  const loadOn = (host: string) => {
    if (!line.knows(stream.source) || !line.knows(host)) return null;
    const on = (us: number) => line.at(stream.source, us) - line.at(host, 0);
    return { fromUs: on(load.startUs), toUs: on(load.endUs) };
  };
  const [agents, side] = await Promise.all([agentsOf(setup, fence), bench.hosts.agent("C")]);
  const [received, rtt, hostLoad, sampled] = await Promise.all([
    bench.receiver.collect(fence, unit("sink"), receivingEnd(bench.testbed)),
    collectRtt(side, fence, unit("rtt")),
    Promise.all(
      loadHosts(setup, fence).map(async (name) =>
        collectHostLoad(await bench.hosts.agent(name), fence, unit("host-load"), loadOn(name)),
      ),
    ),
    Promise.all(
      agents.map(async (agent) => ({
        host: agent.host,
        ...(await collectCounterSeries(agent, fence, unit("counters"), loadOn(agent.host))),
      })),
    ),
  ]);
  return {
    sink: received.summary,
    raw: received.raw,
    rtt,
    hostLoad,
    series: sampled.flatMap(({ host, series }) => {
      const clock = clocks.find((one) => one.host === host);
      return clock === undefined ? [] : [{ clock, series }];
    }),
    accuracy: sampled.map(({ host, accuracy }) => ({ host, ...accuracy })),
  };
}

/** True when a probe is gone that no result can come from any more. Changes nothing. */
export async function probesLost(setup: Setup, fence: Fence): Promise<boolean> {
  const wanted = [
    ...hostsOf(fence).map((host) => ({ host, what: "counters" })),
    { host: "B", what: "sink" },
    { host: "C", what: "rtt" },
    ...loadHosts(setup, fence).map((host) => ({ host, what: "host-load" })),
  ];
  const states = await Promise.all(
    wanted.map(async ({ host, what }) =>
      (await setup.bench.hosts.agent(host)).unit(setup.unit(what)),
    ),
  );
  return states.some(
    (state) => state === null || state.status === "lost" || state.status === "deadline",
  );
}
