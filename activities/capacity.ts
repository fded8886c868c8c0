/** The capacity of a platform at one frame size, for loads that a campaign gives as its fractions. */
import type { Campaign } from "../model/campaign.ts";
import { capacityConditions, currentCapacity, loadsBeyond } from "../model/capacity.ts";
import { quarantineWords } from "../model/ladder.ts";
import { platforms } from "../model/platforms.ts";
import { calibratedFps } from "../model/testbed-limits.ts";
import type { Calibration, Testbed } from "../model/testbed.ts";
import { inTheWay } from "../model/trial-hosts.ts";
import { lineRateFps } from "../model/units.ts";
import { UsageError } from "../model/usage-error.ts";
import type { Fence } from "../remote/agent.ts";
import { Fenced } from "../remote/shell.ts";
import type { CampaignActs } from "../workflows/acts.ts";
import { bootedFor } from "./boot-profile.ts";
import { searchCapacity } from "./capacity-search.ts";
import { tryLoad } from "./capacity-trial.ts";
import type { Bench, TrialDeps } from "./deps.ts";
import { guestOf } from "./guest.ts";
import { takeHosts } from "./prepare.ts";
import { progress } from "./progress.ts";
import { ensureRouter } from "./router.ts";
import { takingPart } from "./taking-part.ts";

type Input = Parameters<CampaignActs["resolveCapacity"]>[0];

/** A step in which the receiver lost frames itself is measured so often, in all. */
const invalidLimit = 3;

/** Takes the stored capacity where it holds now, or searches and stores it; then fills in the campaign's loads. Never again under the same token. */
export async function resolveCapacity(deps: TrialDeps, input: Input): Promise<{ fps: number }> {
  const { store } = deps;
  const { campaignId, testbed: name, platform, frameSizeBytes } = input;
  const [campaign, bench, calibrations, stored] = await Promise.all([
    store.campaign(campaignId),
    deps.bench(name),
    store.calibrations(name),
    store.capacities(name),
  ]);
  if (campaign === null) throw new Error(`the store has no campaign ${campaignId}`);
  const place = {
    platform,
    frameSizeBytes,
    bootProfile: platforms[platform]?.bootProfile ?? "linux",
    conditions: capacityConditions(bench.testbed, platform, campaign.content.guest),
  };
  let fps = currentCapacity(stored, calibrations, place)?.fps;
  if (fps === undefined) {
    const fence = await takeRouter(deps, bench, input, campaign.content);
    fps = await search(bench, fence, input, {
      tolerance: campaign.content.tolerance,
      highestFps: highestLoad(bench.testbed, calibrations, frameSizeBytes),
    });
    const measuredAt = new Date().toISOString();
    await store.putCapacity({ testbed: name, ...place, fps, measuredAt });
  }
  const trials = await store.trials(campaignId);
  const beyond = loadsBeyond(
    trials.map(({ scenario }) => scenario),
    { campaign: campaign.content, testbed: bench.testbed, calibrations, ...place, fps },
  );
  await store.resolveLoads(campaignId, platform, frameSizeBytes, { fps, beyond });
  return { fps };
}

/** The router in its place, under this token; what an earlier search left is ended. @throws {Fenced} @throws {UsageError} a host is in quarantine. */
async function takeRouter(
  { store }: TrialDeps,
  bench: Bench,
  { campaignId, testbed, platform, token }: Input,
  campaign: Campaign,
): Promise<Fence> {
  if (!(await store.raiseToken(testbed, token)))
    throw new Fenced(`testbed ${testbed} has seen a higher token than ${token}`);
  const needs = { kind: "forwarding", fault: null } as const;
  const away = inTheWay(needs, await store.quarantines(testbed));
  if (away.length > 0) throw new UsageError(quarantineWords(away));
  const hosts = await takingPart(store, testbed, needs);
  await bootedFor(bench, platform, hosts);
  const { fence } = await takeHosts(bench, token, hosts);
  await ensureRouter(bench, fence, {
    platform,
    host: "R1",
    guests: guestsOf(bench, campaign.guest),
    unit: `${campaignId}.capacity-${token}.answer`,
  });
  return fence;
}

async function search(
  bench: Bench,
  fence: Fence,
  { campaignId, testbed, platform, frameSizeBytes, token }: Input,
  {
    highestFps,
    tolerance: { offeredLoadRatio },
  }: { readonly highestFps: number; readonly tolerance: Campaign["tolerance"] },
): Promise<number> {
  const prefix = `${campaignId}.capacity-${token}.${platform}-${frameSizeBytes}B`;
  let trials = 0;
  let last = "";
  const bounds = { highestFps, lowestRatio: 0.001, precisionRatio: 0.05 };
  const found = await searchCapacity(bounds, async (fps) => {
    for (let tries = 1; ; tries++) {
      trials += 1;
      progress({ capacityTrial: trials, fps });
      const unit = `${prefix}.${trials}`;
      const load = { fps, frameSizeBytes, offeredLoadRatio, unit };
      const { status, words } = await tryLoad(bench, fence, load);
      last = words;
      if (status !== "invalid") return status === "lossless";
      if (tries === invalidLimit)
        throw new Error(
          `the capacity of ${platform} at ${frameSizeBytes} bytes cannot be told, ${tries} times in a row: ${words}`,
        );
    }
  });
  if (found === null)
    throw new UsageError(
      `testbed ${testbed}: no load of ${frameSizeBytes} bytes that was tried was offered and forwarded whole by ${platform}; its capacity is not known; the last: ${last}`,
    );
  return found;
}

/** The line rate, or less where the generator was found not to keep it. */
function highestLoad(
  { lineRateMbpsL1 }: Testbed,
  calibrations: readonly Calibration[],
  frameSizeBytes: number,
): number {
  const line = lineRateFps(lineRateMbpsL1, frameSizeBytes);
  return Math.floor(Math.min(line, calibratedFps({ calibrations }, frameSizeBytes) ?? line));
}

const guestsOf = (bench: Bench, guest: Campaign["guest"]) =>
  Object.fromEntries(
    Object.keys(bench.drivers).map((platform) => [
      platform,
      guestOf(bench.testbed, guest, platform),
    ]),
  );
