/** The capacity of a platform at one frame size, for loads that a campaign gives as its fractions. */
import type { Stream } from "../generators/generator.ts";
import type { Campaign } from "../model/campaign.ts";
import { quarantineWords } from "../model/ladder.ts";
import { fnv1a } from "../model/tag.ts";
import { inTheWay } from "../model/trial-hosts.ts";
import { UsageError } from "../model/usage-error.ts";
import { lineRateFps } from "../model/units.ts";
import { platforms } from "../model/platforms.ts";
import { collectSink, startSink } from "../probes/sink.ts";
import type { Fence } from "../remote/agent.ts";
import { Fenced } from "../remote/shell.ts";
import type { CampaignActs } from "../workflows/acts.ts";
import { searchCapacity } from "./capacity-search.ts";
import type { Bench, TrialDeps } from "./deps.ts";
import { endNic, routedStream } from "./flow.ts";
import { guestOf } from "./guest.ts";
import { takeHosts } from "./prepare.ts";
import { phase, progress } from "./progress.ts";
import { ensureRouter } from "./router.ts";
import { takingPart } from "./taking-part.ts";

type Input = Parameters<CampaignActs["resolveCapacity"]>[0];

const trialMs = 1000;
/** Frames still under way when the load ends. */
const drainMs = 300;

/** Takes the stored capacity, or searches and stores it; then fills in the campaign's loads. Idempotent. */
export async function resolveCapacity(deps: TrialDeps, input: Input): Promise<{ fps: number }> {
  const { store } = deps;
  const { campaignId, testbed, platform, frameSizeBytes, token } = input;
  const bootProfile = platforms[platform]?.bootProfile ?? "linux";
  const known = (await store.capacities(testbed)).find(
    (one) =>
      one.platform === platform &&
      one.frameSizeBytes === frameSizeBytes &&
      one.bootProfile === bootProfile,
  );
  const fps = known?.fps ?? (await search());
  await store.resolveLoads(campaignId, platform, frameSizeBytes, fps);
  return { fps };

  async function search(): Promise<number> {
    const campaign = await store.campaign(campaignId);
    if (campaign === null) throw new Error(`the store has no campaign ${campaignId}`);
    if (!(await store.raiseToken(testbed, token)))
      throw new Fenced(`testbed ${testbed} has seen a higher token than ${token}`);
    const bench = await deps.bench(testbed);
    const needs = { kind: "forwarding", fault: null } as const;
    const away = inTheWay(needs, await store.quarantines(testbed));
    if (away.length > 0) throw new UsageError(quarantineWords(away));
    const { fence } = await takeHosts(bench, token, await takingPart(store, testbed, needs));
    await ensureRouter(bench, fence, {
      platform,
      host: "R1",
      guests: guestsOf(bench, campaign.content.guest),
      unit: `${campaignId}.capacity-${token}.answer`,
    });
    const highestFps = await highestLoad(deps, bench, frameSizeBytes);
    let trials = 0;
    const found = await searchCapacity(
      { highestFps, lowestRatio: 0.001, precisionRatio: 0.05 },
      async (load) => {
        trials += 1;
        progress({ capacityTrial: trials, fps: load });
        return isLossless(bench, fence, input, load, trials);
      },
    );
    if (found === null)
      throw new UsageError(
        `testbed ${testbed}: ${platform} loses frames of ${frameSizeBytes} bytes at every load that was tried; its capacity is not known`,
      );
    const measuredAt = new Date().toISOString();
    await store.putCapacity({
      testbed,
      platform,
      bootProfile,
      frameSizeBytes,
      fps: found,
      measuredAt,
    });
    return found;
  }
}

/** The line rate, or less where the generator was found not to keep it. */
async function highestLoad(
  { store }: TrialDeps,
  { testbed }: Bench,
  frameSizeBytes: number,
): Promise<number> {
  const line = lineRateFps(testbed.lineRateMbpsL1, frameSizeBytes);
  const calibrated = (await store.calibrations(testbed.name)).find(
    (one) => one.host === "A" && one.frameSizeBytes === frameSizeBytes,
  );
  return Math.floor(Math.min(line, calibrated?.maxFps ?? line));
}

async function isLossless(
  bench: Bench,
  fence: Fence,
  { campaignId, platform, frameSizeBytes, token }: Input,
  fps: number,
  trial: number,
): Promise<boolean> {
  const { testbed, hosts, generator } = bench;
  const name = `${campaignId}.capacity-${token}.${platform}-${frameSizeBytes}B.${trial}`;
  const stream: Stream = routedStream(testbed, {
    tag: fnv1a(name),
    frameSizeBytes,
    fps,
    durationMs: trialMs,
  });
  const sink = await hosts.agent("B");
  await Promise.all([
    startSink(sink, fence, `${name}.sink`, {
      device: endNic(testbed, "B").device,
      tag: stream.tag,
      udpPort: stream.udpPort,
      sequenceModulus: generator.sequenceModulus(stream),
      fps,
      deadlineMs: 60_000,
    }),
    generator.prepare(fence, `${name}.load`, stream),
  ]);
  await generator.start(fence, `${name}.load`, stream);
  const offered = await generator.finish(`${name}.load`, stream, () => undefined);
  await phase(drainMs);
  const received = await collectSink(sink, fence, `${name}.sink`);
  return received.frames >= offered.frames;
}

const guestsOf = (bench: Bench, guest: Campaign["guest"]) =>
  Object.fromEntries(
    Object.keys(bench.drivers).map((platform) => [
      platform,
      guestOf(bench.testbed, guest, platform),
    ]),
  );
