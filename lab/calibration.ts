/**
 * How fast the generator is without a router in between: source A sends over its segment straight to
 * R1's NIC, where the packet sink counts. Taken when the lab comes up; a load beyond it is refused.
 */
import type { Generator, Stream } from "../generators/generator.ts";
import type { HostNic, Testbed } from "../model/testbed.ts";
import type { Calibration } from "../model/testbed.ts";
import { lineRateFps } from "../model/units.ts";
import { packetSink } from "../probes/sink.ts";
import type { Fence, Hosts } from "../remote/agent.ts";
import type { Store } from "../store/store.ts";

export interface CalibrationOptions {
  readonly frameSizesBytes: readonly number[];
  readonly log: (line: string) => void;
}

const stepMs = 500;
const receiver = "R1";
const unitPrefix = "calibration.";
/** No host's: R1 takes the frames in at its NIC, its kernel drops them. */
const nobodysIp = "198.18.1.254";

/** Calibrates every frame size asked for, in turn; about 6 s each. Sends nothing beyond segment a. @throws {CommandFailed} @throws {NoExitStatus} */
export async function calibrate(
  { testbed, hosts, generator }: { testbed: Testbed; hosts: Hosts; generator: Generator },
  { frameSizesBytes, log }: CalibrationOptions,
): Promise<readonly Calibration[]> {
  const [fence, end] = await Promise.all([presentFence(hosts), receivingEnd(testbed, hosts)]);
  await endLeftOvers(hosts, fence);
  const found: Calibration[] = [];
  for (const frameSizeBytes of frameSizesBytes) {
    const lineFps = lineRateFps(testbed.lineRateMbpsL1, frameSizeBytes);
    const best = await generator.calibrate(fence, {
      lineFps,
      streamOf: (fps) => directStream(testbed, end.mac, frameSizeBytes, fps),
      receiver: generator.receiver ?? packetSink(hosts),
      end: { host: receiver, device: end.device },
      unit: (what) => `${unitPrefix}${what}`,
    });
    const calibration: Calibration = {
      testbed: testbed.name,
      host: "A",
      device: nicOf(testbed, "A").device,
      generator: generator.name,
      frameSizeBytes,
      maxFps: best.fps,
      rateErrorRatio: best.rateErrorRatio,
      gapP50Us: best.gapP50Us,
      gapP999Us: best.gapP999Us,
      gapMaxUs: best.gapMaxUs,
      measuredAt: new Date().toISOString(),
    };
    log(calibrationText(calibration));
    found.push(calibration);
  }
  return found;
}

/** Calibrates what the store has no calibration of since `since` (the start of the lab, ISO 8601) and stores it. */
export async function calibrateOnce(
  bench: { testbed: Testbed; hosts: Hosts; generator: Generator },
  store: Pick<Store, "calibrations" | "putCalibration">,
  options: CalibrationOptions & { readonly since: string; readonly again: boolean },
): Promise<void> {
  const known = await store.calibrations(bench.testbed.name);
  const isKnown = (frameSizeBytes: number) =>
    known.some(
      (one) =>
        one.host === "A" &&
        one.frameSizeBytes === frameSizeBytes &&
        Date.parse(one.measuredAt) >= Date.parse(options.since),
    );
  const frameSizesBytes = options.frameSizesBytes.filter((size) => options.again || !isKnown(size));
  for (const calibration of await calibrate(bench, { ...options, frameSizesBytes }))
    await store.putCalibration(calibration);
}

const calibrationText = (calibration: Calibration): string => {
  const { generator, frameSizeBytes, maxFps, rateErrorRatio, gapP50Us, gapP999Us, gapMaxUs } =
    calibration;
  const us = (value: number) => `${Math.round(value * 10) / 10} µs`;
  return (
    `${generator} at ${frameSizeBytes} B: up to ${Math.round(maxFps)} frames/s without loss, ` +
    `rate error ${(rateErrorRatio * 100).toFixed(3)} %, gaps median ${us(gapP50Us)}, ` +
    `p99.9 ${us(gapP999Us)}, longest ${us(gapMaxUs)}`
  );
};

/** Nobody else may be measuring: the fence shows the token that the hosts have seen last. */
async function presentFence(hosts: Hosts): Promise<Fence> {
  const identities = await Promise.all(
    ["A", receiver].map(async (name) => (await hosts.agent(name)).identity()),
  );
  return {
    token: Math.max(...identities.map(({ token }) => token)),
    bootIds: Object.fromEntries(identities.map(({ host, bootId }) => [host, bootId])),
  };
}

/** Units of a calibration that was cut live until their deadline, and hold the sink's port. */
async function endLeftOvers(hosts: Hosts, fence: Fence): Promise<void> {
  for (const name of ["A", receiver]) {
    const agent = await hosts.agent(name);
    for (const unit of await agent.units())
      if (unit.status === "running" && unit.name.startsWith(unitPrefix))
        await agent.stopUnit(fence, unit.name, { graceMs: 0 });
  }
}

const nicOf = (testbed: Testbed, host: "A" | "R1"): HostNic => {
  const nic = testbed.hosts[host].nics.find(({ link }) => link === "a");
  if (nic === undefined)
    throw new Error(`testbed ${testbed.name}: ${host} has no NIC on segment a`);
  return nic;
};

/**
 * Where R1 takes the frames in now. A NIC bound to a bridge hands IP frames to the bridge alone; under
 * plain forwarding the NIC has left its bridge and carries the router's MAC.
 */
async function receivingEnd(
  testbed: Testbed,
  hosts: Hosts,
): Promise<{ device: string; mac: string }> {
  const { device, bridge } = nicOf(testbed, receiver);
  const port = `/sys/class/net/${device}/brport/state`;
  const address = (name: string) => `/sys/class/net/${name}/address`;
  const paths = [port, address(device), ...(bridge === null ? [] : [address(bridge)])];
  const files = await (await hosts.agent(receiver)).readFiles(paths);
  const taking = bridge !== null && files[port] != null ? bridge : device;
  const mac = files[address(taking)]?.trim();
  if (mac === undefined)
    throw new Error(`${receiver} has no ${taking}: the generator cannot be calibrated`);
  return { device: taking, mac };
}

function directStream(
  testbed: Testbed,
  destinationMac: string,
  frameSizeBytes: number,
  fps: number,
): Stream {
  const source = nicOf(testbed, "A");
  return {
    tag: (Date.now() & 0xffffffff) >>> 0,
    source: "A",
    device: source.device,
    sourceMac: source.mac,
    destinationMac,
    sourceIp: (source.address ?? "198.18.1.10").replace(/\/.*/, ""),
    destinationIp: nobodysIp,
    udpPort: 9,
    frameSizeBytes,
    fps,
    durationMs: stepMs,
  };
}
