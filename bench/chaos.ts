/**
 * A campaign with real guests on the lab, through the real worker, Temporal, PostgreSQL and supervisor,
 * on which kills and faults fall at random moments: `npm run bench:chaos -- [--seed N] [--trials N]
 * [--kills N] [--faults N] [--state DIR] [--minutes N]`. Exits non-zero when anything is lost, doubled,
 * misjudged or left behind.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { violations } from "./chaos/checks.ts";
import { blowWords, drawChaos } from "./chaos/draw.ts";
import { runChaos } from "./chaos/run.ts";
import { summary } from "./chaos/summary.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    trials: { type: "string", default: "60" },
    kills: { type: "string", default: "14" },
    faults: { type: "string", default: "20" },
    minutes: { type: "string", default: "40" },
    state: { type: "string", default: join(import.meta.dirname, "../.longhaul/test/chaos") },
  },
});
const begunMs = Date.now();
const log = (line: string): void =>
  console.log(`${((Date.now() - begunMs) / 1000).toFixed(1).padStart(7)} s  ${line}`);

const chaos = drawChaos(Number(values.seed), {
  trials: Number(values.trials),
  kills: Number(values.kills),
  faults: Number(values.faults),
});
log(
  `seed ${chaos.seed}: ${chaos.trials} trials, ${chaos.strikes.length} strikes from outside, ${chaos.trialFaults.length} faults in trials`,
);
for (const { afterVerdicts, delayMs, blow } of chaos.strikes)
  log(`  after ${afterVerdicts} verdicts and ${delayMs} ms: ${blowWords(blow)}`);
for (const { fault, host, when, afterMs, trials } of chaos.trialFaults)
  log(
    `  in ${trials.name}: ${fault}${host === null ? "" : ` at the ${host}`}, ${afterMs} ms into ${when}`,
  );

const deadlineMs = Number(values.minutes) * 60_000;
const { campaign, record, elapsedMs } = await runChaos(values.state, chaos, { deadlineMs, log });
for (const line of summary(record, campaign, elapsedMs)) console.log(line);
const found = violations(record, campaign);
for (const violation of found) console.log(`VIOLATION ${violation}`);
console.log(
  found.length === 0 ? "nothing was lost, doubled or left behind" : `${found.length} violations`,
);
process.exit(found.length === 0 ? 0 : 1);
