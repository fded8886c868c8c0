import { describe, expect, test } from "vitest";
import { drawnSingles, estimate, intervalSentence } from "../../report/estimate.ts";
import { forwardingFigures } from "../../report/figures/forwarding.ts";
import { lossFigures, lostShares } from "../../report/figures/losses.ts";
import { migrationFigures } from "../../report/figures/migration.ts";
import { hostsWithoutClock, migrationSeries } from "../../report/figures/migration-series.ts";
import { timeSeriesFigures } from "../../report/figures/time-series.ts";
import { scenarioGroups } from "../../report/scenarios.ts";
import { drawSvg } from "../../report/svg.ts";
import {
  forwardingTrials,
  migrationTrials,
  sampleLedgers,
  sampleMigration,
  sampleTrial,
} from "./sample-trials.ts";

const plan = { forwarding: [], migration: [] };
const groupsOf = (trials: Parameters<typeof scenarioGroups>[0]) => scenarioGroups(trials, plan);

async function draw(figure: { spec: Parameters<typeof drawSvg>[0] | null } | undefined) {
  if (!figure?.spec) throw new Error("the figure has nothing to draw");
  return await drawSvg(figure.spec);
}

describe("the single measurements of a point", () => {
  test("are all drawn up to a hundred; of more, a hundred evenly spaced by rank with both ends, and the caption says so", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 99 - index);
    expect(drawnSingles(hundred)).toEqual(hundred);
    const many = Array.from({ length: 1000 }, (_, index) => (index * 617) % 1000);
    const drawn = drawnSingles(many);
    expect(drawn).toHaveLength(100);
    expect([drawn[0], drawn.at(-1)]).toEqual([0, 999]);
    const steps = drawn.slice(1).map((value, index) => value - (drawn[index] ?? 0));
    expect(new Set(steps)).toEqual(new Set([10, 11]));
    expect(intervalSentence([{ n: 100, kind: "median" }])).toContain("dots are the single");
    expect(intervalSentence([{ n: 101, kind: "median" }])).toContain("evenly spaced by rank");
  });
});

describe("estimates", () => {
  test("the mean of three has its Student-t interval", () => {
    const { center, low, high, n } = estimate("totalTimeMs", [1, 2, 3]);
    expect({ center, n }).toEqual({ center: 2, n: 3 });
    // 4.3027 · 1 / √3
    expect(Number(high) - 2).toBeCloseTo(2.484, 3);
    expect(2 - Number(low)).toBeCloseTo(2.484, 3);
  });
  test("an interval is cut at what is possible", () => {
    expect(estimate("forwardedFps", [0, 0, 0.3], [0, 1])).toMatchObject({ low: 0 });
  });
  test("one value has no interval, and none has no centre", () => {
    const none = { low: null, high: null };
    expect(estimate("totalTimeMs", [4])).toMatchObject({ n: 1, center: 4, ...none });
    expect(estimate("totalTimeMs", [])).toMatchObject({ n: 0, center: null, ...none });
  });
  test("what is skewed by nature has its median, with the interval of its order statistics from n = 6 on", () => {
    expect(estimate("downtimeLossMs", [1, 2, 900])).toMatchObject({
      ...{ kind: "median", center: 2, low: null, high: null },
    });
    expect(estimate("rttMedianMs", [1, 2, 3, 4, 5, 900])).toMatchObject({
      ...{ kind: "median", center: 3.5, low: 1, high: 900 },
    });
    expect(intervalSentence([{ n: 3, kind: "median" }])).toBe(
      "Points are medians, n = 3 per point; small dots are the single measurements; a 95 % interval needs n ≥ 6.",
    );
  });
  test("a caption says when points are one measurement alone", () => {
    expect(intervalSentence([{ n: 1, kind: "mean" }])).toContain("no interval");
    expect(
      intervalSentence([
        { n: 1, kind: "mean" },
        { n: 3, kind: "mean" },
      ]),
    ).toContain("n = 1…3");
    expect(intervalSentence([{ n: 3, kind: "mean" }])).toBe(
      "Points are means, bars 95 % Student-t intervals, n = 3 per point.",
    );
  });
});

describe("figures of forwarding", () => {
  test("hold each scenario's mean at the rate that was really offered", async () => {
    const [figure] = forwardingFigures(groupsOf(forwardingTrials));
    const svg = await draw(figure);
    // 20,002 frames/s of 64 bytes are 10.241 Mbit/s; half of them came through.
    expect(svg).toMatch(/platform: kvm-e1000[^"]*|aria-label="[^"]*10\.24/);
    expect(svg).toContain("Forwarded rate (Mbit/s, layer 2)");
    expect(svg).toContain("kframes/s");
  });
  test("leave out trials that are invalid or did not complete", () => {
    const locked = sampleTrial({
      platform: "kvm-virtio",
      outcome: "locked-up",
      results: { offeredFps: 1, forwardedFps: 0 },
    });
    const cut = sampleTrial({
      platform: "kvm-virtio",
      repetition: 2,
      state: "invalid",
      results: { offeredFps: 1, forwardedFps: 0 },
    });
    const [figure] = forwardingFigures(groupsOf([locked, cut]));
    expect(figure?.spec).toBeNull();
    expect(figure?.caption).toContain("no completed forwarding trial");
  });
  test("a trial without a figure is missing there, not zero", () => {
    const [forwarded, , rtt] = forwardingFigures(
      groupsOf([sampleTrial({ results: { offeredFps: 10, forwardedFps: 10, rttMedianMs: null } })]),
    );
    expect(forwarded?.spec).not.toBeNull();
    expect(rtt?.spec).toBeNull();
  });
});

describe("figures of losses", () => {
  test("a place's share is its frames over those sent; what is not the flow's is no loss", () => {
    const groups = groupsOf(forwardingTrials);
    const lossy = groups.find(
      ({ platform, load }) => platform === "kvm-e1000" && load === "20000fps",
    );
    if (!lossy) throw new Error("no such scenario");
    expect(
      lostShares(lossy, sampleLedgers).map(({ place, lostRatio, n }) => [place, lostRatio, n]),
    ).toEqual([
      ["tap-in-dropped", 0.498, 3],
      ["unexplained", 0.002, 3],
    ]);
  });
  test("the caption counts trials and names the scenarios that lost none by their number", async () => {
    const [figure] = lossFigures(groupsOf(forwardingTrials), sampleLedgers);
    expect(figure?.caption).toContain("n = 3 trials per bar");
    expect(await draw(figure)).toContain("tap-in-dropped");
  });
});

describe("figures of migrations", () => {
  test("the three downtimes stand side by side", async () => {
    const figure = migrationFigures(groupsOf(migrationTrials)).find(({ name }) =>
      name.startsWith("migration-downtime"),
    );
    const svg = await draw(figure);
    for (const word of ["hypervisor", "packet gap", "loss-derived"]) expect(svg).toContain(word);
    expect(figure?.caption).toContain("n = 3");
  });
});

describe("one migration in time", () => {
  test("puts samples of hosts with clocks of their own on one axis, command at 0", () => {
    const series = migrationSeries(sampleMigration());
    const silent = series.received.filter(({ value }) => value === 0).map(({ seconds }) => seconds);
    expect(silent[0]).toBeCloseTo(0.5, 6);
    expect(silent.at(-1)).toBeCloseTo(0.59, 6);
    const unanswered = series.rtt.filter(({ value }) => value === null);
    expect(unanswered[0]?.seconds).toBeCloseTo(0.5, 6);
    expect(series.markers.map(({ label, seconds }) => [label, Math.round(seconds * 1e3)])).toEqual([
      ["command", 0],
      ["source-stopped", 500],
      ["destination-running", 600],
    ]);
  });
  test("shows the rate on the migration link between two reads", () => {
    const { link } = migrationSeries(sampleMigration());
    const during = link.find(({ seconds }) => seconds > 0.3);
    expect(during?.value).toBeCloseTo(50, 6);
    expect(link.at(-1)?.value).toBe(0);
  });
  test("says which host has no clock instead of drawing it at a wrong time", () => {
    const example = sampleMigration();
    const clocks = example.measurement.clocks.filter(({ host }) => host !== "B");
    const without = { ...example, measurement: { ...example.measurement, clocks } };
    expect(hostsWithoutClock(without)).toEqual(["B"]);
    expect(timeSeriesFigures(without)[0]).toMatchObject({
      spec: null,
      caption: "Nothing to draw: no clock offset is stored of B.",
    });
  });
  test("has no interval and says so", () => {
    expect(timeSeriesFigures(sampleMigration())[0]?.caption).toContain("n = 1");
  });
});
