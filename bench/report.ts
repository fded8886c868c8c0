/**
 * How long a report takes, and how large its page is, for a campaign of 10,000 trials with made-up rows in
 * a PostgreSQL of its own, which is removed afterwards. `npm run bench:report -- [TRIALS]`
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readRecord } from "../report/record.ts";
import { writeReport } from "../report/report.ts";
import { freePort, startPostgres } from "../services/postgres.ts";
import { openDatabase } from "../store/database.ts";
import { openStore } from "../store/open-store.ts";
import { sampleCampaign, samplePlan } from "../test/store/sample-plan.ts";

const trials = Number(process.argv[2] ?? 10_000);
const goalSeconds = 20;
const [loads, platforms] = [20, ["bare", "kvm-virtio"]];

const folder = await mkdtemp(join(tmpdir(), "longhaul-report-"));
const server = await startPostgres({
  dataFolder: join(folder, "postgres"),
  port: await freePort(),
  password: "only for this bench",
  log: join(folder, "postgres.log"),
});
try {
  const store = openStore(server.url);
  await store.migrate();
  await fill(store);
  const begun = performance.now();
  const record = await readRecord(store, "big");
  const read = performance.now();
  const page = await writeReport(record, join(folder, "report"), new Date().toISOString());
  const written = performance.now();
  await store.close();
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(1);
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  console.log(
    `${trials} trials: rows read in ${seconds(begun, read)} s, report written in ${seconds(read, written)} s (goal: ${goalSeconds} s together); ` +
      `page ${mib((await stat(page)).size)} MiB; memory ${mib(process.memoryUsage.rss())} MiB`,
  );
  process.exitCode = (written - begun) / 1000 <= goalSeconds ? 0 : 1;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** One migration in ten trials; every trial valid, with as many results and places of loss as a real one. */
async function fill(store: ReturnType<typeof openStore>): Promise<void> {
  await store.putTestbed({ name: "lab", kind: "lab", content: { name: "lab" } });
  const plan = samplePlan("big", { trialCount: trials });
  const repetitions = Math.ceil(trials / (loads * platforms.length));
  await store.putPlan({
    ...plan,
    campaign: { ...sampleCampaign, repetitions },
    trials: plan.trials.map((trial, position) => {
      const kind = position % 10 === 9 ? "migration" : "forwarding";
      const intendedFps = 1000 * (1 + (Math.floor(position / platforms.length) % loads));
      return {
        ...trial,
        ...{ kind, id: `big/${position}`, element: `big/e${position}` },
        repetition: 1 + Math.floor(position / (loads * platforms.length)),
        scenario: {
          ...{ platform: platforms[position % platforms.length] ?? "", frameSizeBytes: 64 },
          ...{ load: `${intendedFps}fps`, intendedFps, ofCapacity: null },
          direction: kind === "migration" ? "R1toR2" : null,
        },
      };
    }),
  });
  const database = openDatabase(server.url);
  await database.execute(`INSERT INTO attempt (trial, attempt, testbed, token, verdict, outcome, ended_at)
    SELECT id, 1, 'lab', 1, 'valid', 'completed', now() FROM trial`);
  await database.execute(`UPDATE trial SET state = 'valid', outcome = 'completed', judged_attempt = 1,
    started_at = now(), ended_at = now(), results = jsonb_build_object(
      'offeredFps', intended_fps, 'forwardedFps', intended_fps * (1 - random() / 100),
      'lossRatio', random() / 100, 'rttMedianMs', random(), 'rttP99Ms', 10 * random(),
      'totalTimeMs', 1000 + 500 * random(), 'downtimeHypervisorMs', 100 * random(),
      'downtimePacketGapMs', 200 * random(), 'downtimeLossMs', 200 * random(),
      'transferredMib', 60 + random(), 'offeredFrames', 1000, 'receivedFrames', 990)`);
  await database.execute(`INSERT INTO ledger (trial, attempt, testbed, ordinal, place, frames)
    SELECT id, 1, 'lab', n, 'place-' || n, 100 * n FROM trial, generate_series(1, 12) AS n`);
  await database.close();
}
