/** Whether harness and testbed held during a measurement, whatever the router did. */
import type { Campaign } from "../model/campaign.ts";
import type { HostLoad, Measurement } from "../model/measurement.ts";
import { noiseBound, type Ledger } from "./ledger.ts";

export interface HarnessFindings {
  /** Each makes the attempt invalid. */
  readonly faults: readonly string[];
  /** Each is shown beside the trial and changes no verdict. */
  readonly doubts: readonly string[];
}

/** A wall clock that moved against the monotonic one by more than this flags the sink's series. */
const clockStepBoundUs = 1000;
/** A sampler's p99 interval beyond this multiple of its interval flags its series: half an interval late. */
const lateRatio = 1.5;

export function inspectHarness(
  measurement: Measurement,
  tolerance: Campaign["tolerance"],
): HarnessFindings {
  const faults: string[] = [];
  const doubts: string[] = [];
  const { offered, sink, accuracy, hostLoad } = measurement;
  const fps = offeredFps(measurement);
  const miss = Math.abs(fps - offered.intendedFps) / offered.intendedFps;
  // Written so that a load that cannot be computed is a miss, too.
  if (!(miss <= tolerance.offeredLoadRatio))
    faults.push(
      `offered load missed: ${round(fps)} frames/s sent, ${round(offered.intendedFps)} intended, off by ${percent(miss)} (tolerance ${percent(tolerance.offeredLoadRatio)})`,
    );
  const { failedFrames = 0, truncatedFrames = 0 } = offered.refused ?? {};
  if (failedFrames > 0)
    doubts.push(
      `the sender's kernel refused ${failedFrames} frames for good; they are not offered`,
    );
  if (truncatedFrames > 0) doubts.push(`${truncatedFrames} frames were sent cut short`);
  if (sink.socketDrops > 0)
    faults.push(
      `${sink.host}: the sink itself dropped ${sink.socketDrops} frames at its socket; they would look like loss of the router`,
    );
  if (sink.foreign > 0)
    doubts.push(`${sink.foreign} frames of another attempt arrived; they are not counted`);
  const { refused = 0, host: asker } = measurement.rtt;
  if (refused > 0)
    doubts.push(
      `${asker}: the host itself refused to send ${refused} probes of the side flow; they are not in its RTT or loss`,
    );
  if (sink.clockStepUs > clockStepBoundUs)
    doubts.push(
      `${sink.host}: the wall clock moved by ${round(sink.clockStepUs)} µs against the monotonic one; arrival stamps are off by as much`,
    );
  for (const { host, intervalMs, p99Ms } of accuracy) {
    const text = `${host}: the counter sampler's p99 interval is ${round(p99Ms)} ms instead of ${intervalMs} ms`;
    if (tolerance.samplingP99Ms !== null && p99Ms > tolerance.samplingP99Ms)
      faults.push(`${text} (tolerance ${tolerance.samplingP99Ms} ms)`);
    else if (p99Ms > lateRatio * intervalMs) doubts.push(text);
  }
  for (const host of measurement.absentHosts ?? [])
    doubts.push(`${host} was in quarantine and took no part: it has no counter series`);
  const busiest = busiestHost(hostLoad);
  if (busiest && tolerance.hostLoadRatio !== null && busiest.ratio > tolerance.hostLoadRatio)
    faults.push(
      `${busiest.host}: CPUs were busy ${percent(busiest.ratio)} of the time (tolerance ${percent(tolerance.hostLoadRatio)})`,
    );
  return { faults, doubts };
}

/** What the generator says it sent, against what its NIC counted. */
export function senderFindings(
  { sender, sent }: Pick<Ledger, "sender" | "sent">,
  tolerance: Campaign["tolerance"],
): HarnessFindings {
  const miss = sender === null ? 0 : Math.abs(sender.expected - sender.onNic);
  if (sender === null || miss <= noiseBound(sent, tolerance.unexplainedRatio))
    return { faults: [], doubts: [] };
  const text = `the generator says that ${sender.expected} frames left it, its NIC counted ${sender.onNic}`;
  return miss > noiseBound(sent, tolerance.offeredLoadRatio)
    ? { faults: [`offered load unknown: ${text}`], doubts: [] }
    : { faults: [], doubts: [text] };
}

/** Frames per second that the generator really sent. NaN when it sent for no time. */
export function offeredFps({ offered }: Pick<Measurement, "offered">): number {
  const seconds = (offered.endUs - offered.startUs) / 1e6;
  return seconds > 0 ? offered.frames / seconds : NaN;
}

/** The host whose CPUs were busy for the largest share of the load phase; null: none was read. */
export function busiestHost(
  loads: readonly HostLoad[],
): { readonly host: string; readonly ratio: number } | null {
  return loads.reduce<{ host: string; ratio: number } | null>((most, { host, cpus }) => {
    if (cpus.length === 0) return most;
    const ratio = 1 - cpus.reduce((sum, cpu) => sum + cpu.idleRatio, 0) / cpus.length;
    return most === null || ratio > most.ratio ? { host, ratio } : most;
  }, null);
}

const round = (value: number) => String(Math.round(value * 10) / 10);
const percent = (ratio: number) => `${Math.round(ratio * 10_000) / 100} %`;
