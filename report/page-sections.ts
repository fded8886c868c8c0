/** The sections of the page that are no figures. */
import type { TrialRow } from "../store/store.ts";
import { phaseDeviations } from "./deviations.ts";
import { type Html, html, htmlTable, list, nothing } from "./html-text.ts";
import { durationText, missing, numberText } from "./number-text.ts";
import type { CampaignRecord } from "./record.ts";
import { cellText, type Table } from "./tables.ts";

/** `planned = valid + invalid + skipped (+ pending + running)`, as a bar and as the sum itself. */
export function ledgerHead({ status, trials }: CampaignRecord): Html {
  const { planned, verdicts, pending, running } = status;
  const parts = [
    ["valid", verdicts.valid],
    ["invalid", verdicts.invalid],
    ["skipped", verdicts.skipped],
    ...(pending + running > 0
      ? ([
          ["running", running],
          ["pending", pending],
        ] as const)
      : []),
  ] as const;
  const share = (count: number) => (planned === 0 ? 0 : (100 * count) / planned).toFixed(3);
  const outcomes = Object.entries(status.outcomes).map(([name, count]) => `${count} ${name}`);
  const doubtful = trials.filter(({ doubts }) => doubts.length > 0).length;
  return html`<div class="bar" aria-hidden="true">
      ${parts.map(([name, count]) => html`<span class="${name}" style="width:${share(count)}%"></span>`)}
    </div>
    <p class="equation">
      <b>${planned}</b> planned =
      ${parts.map(([name, count], index) => html`${index > 0 ? " + " : ""}<span class="key ${name}"></span><b>${count}</b> ${name}`)}
    </p>
    <p class="lead">
      Outcomes of the valid trials: ${outcomes.join(", ") || "none yet"}. Attempts:
      ${status.attempts}; recoveries:
      ${status.recoveries}${doubtful > 0 ? `; trials with a doubt noted: ${doubtful}` : ""}.
    </p>`;
}

export function resultsSection(tables: readonly Table[], repetitions: number): Html {
  const note = html`<p class="note">
    Over valid, completed trials (${repetitions} repetitions planned; n says how many each row has).
    Rates, times and volumes are means ± 95 % Student-t intervals; one that reaches beyond what is
    possible is cut there and printed as [low, high]. Loss, RTT and downtimes are skewed: medians,
    from n = 6 on with their 95 % order-statistic interval [low, high], below that with their range
    (least…greatest). Failures of a migration or of forwarding are results, not missing values: they
    stand beside n, as a share of the valid trials with its 95 % interval (Wilson's; for none or all
    of them by the rule of three).
    ${
      tables.some(({ header }) => header.includes("planned fault"))
        ? "Trials that a planned fault disturbed are rows of their own, and in no figure."
        : ""
    }
  </p>`;
  return html`${note}${tables.map(
    ({ title, header, rows }) =>
      html`<h3>${title}</h3>
        ${htmlTable(
          header,
          rows.map((row) => row.map(cellText)),
          (column) => rows.some((row) => typeof row[column] === "object"),
        )}`,
  )}`;
}

export function invalidTrials(trials: readonly TrialRow[]): Html {
  const shown = trials.filter(({ state }) => state === "invalid" || state === "skipped");
  const doubtful = trials.filter(({ doubts }) => doubts.length > 0);
  const none = html`<p>No trial is invalid or skipped.</p>`;
  const table =
    shown.length === 0
      ? none
      : htmlTable(
          ["trial", "verdict", "attempts", "reason"],
          shown.map((trial) => [
            html`<code>${trial.id}</code>`,
            trial.state,
            String(trial.attempts),
            trial.reason ?? missing,
          ]),
        );
  const doubts =
    doubtful.length === 0
      ? nothing
      : html`<details>
          <summary>Doubts noted with ${doubtful.length} trials</summary>
          ${list(
            doubtful.map((trial) => html`<code>${trial.id}</code>: ${trial.doubts.join("; ")}`),
          )}
        </details>`;
  return html`${table}${doubts}`;
}

export function deviationsAndOmissions({ campaign, omissions }: CampaignRecord): Html {
  const deviations = phaseDeviations(campaign);
  const phases =
    deviations.length === 0
      ? html`<p>No phase is shorter than RFC 2544 §23 and §24 ask.</p>`
      : html`<p>
            Phases shorter than RFC 2544 §23 and §24 ask; figures of a short trial are no final
            ones:
          </p>
          ${htmlTable(
            ["phase", "RFC 2544 (s)", "this campaign (s)"],
            deviations.map(({ phase, standardMs, usedMs }) => [
              phase,
              String(standardMs / 1e3),
              String(usedMs / 1e3),
            ]),
          )}`;
  const omitted =
    omissions.length === 0
      ? html`<p>Nothing was omitted from the plan.</p>`
      : html`<p>Omitted from the plan because the testbed cannot do it (no row, no verdict):</p>
          ${list(
            omissions.map(({ scenario, reason }) => html`<code>${scenario}</code>: ${reason}`),
          )}`;
  return html`${phases}
    <p>
      RTT is that of a side flow through the same router, not RFC 2544 latency. Rates are forwarding
      rates at the given load; “throughput” would ask for zero loss.
    </p>
    ${omitted}`;
}

/** What it was measured on and with: versions, seed, settings read back, what the generator can do. */
export function conditions(record: CampaignRecord): Html {
  const { campaign, status, seed, planHash, longhaulVersion } = record;
  const { phases, guest, tolerance } = campaign;
  const facts: readonly (readonly [string, string])[] = [
    ["Longhaul", longhaulVersion],
    ["testbed", status.testbed],
    ["seed", String(seed)],
    ["plan", planHash],
    [
      "guest",
      `${guest.image}, ${guest.memoryMib} MiB, ${guest.vcpus} vCPU, routing: ${guest.routing}`,
    ],
    [
      "trial",
      `${durationText(phases.trialMs / 1e3)}; counters read before the load and after phase d`,
    ],
    [
      "samples",
      `every ${campaign.samplingIntervalMs} ms; RTT probes every ${campaign.rttIntervalMs} ms`,
    ],
    [
      "tolerance",
      `offered load ${tolerance.offeredLoadRatio * 100} %, unexplained frames ${tolerance.unexplainedRatio * 100} %`,
    ],
  ];
  return html`<dl class="facts">
      ${facts.map(
        ([name, value]) =>
          html`<dt>${name}</dt>
            <dd>${value}</dd>`,
      )}
    </dl>
    ${
      record.calibrations.length === 0
        ? html`<p>No calibration of the generator is stored.</p>`
        : html`<h3>Generator without a router (calibration)</h3>
            ${htmlTable(
              [
                "host",
                "generator",
                "frame (B)",
                "highest rate kept (frames/s)",
                "error of the rate",
                "gap p99.9 (µs)",
              ],
              record.calibrations.map((each) => [
                each.host,
                each.generator,
                String(each.frameSizeBytes),
                numberText(each.maxFps),
                numberText(each.rateErrorRatio),
                numberText(each.gapP999Us),
              ]),
              (column) => column > 1,
            )}`
    }
    ${
      record.capacities.length === 0
        ? nothing
        : html`<h3>Capacity through the router (short search)</h3>
            ${htmlTable(
              ["platform", "frame (B)", "highest rate without loss (frames/s)"],
              record.capacities.map((each) => [
                each.platform,
                String(each.frameSizeBytes),
                numberText(each.fps),
              ]),
              (column) => column > 0,
            )}`
    }
    <h3>Settings read back</h3>
    ${
      record.provenance.size === 0
        ? html`<p>No trial has stored its provenance yet.</p>`
        : html`${[...record.provenance].map(
            ([platform, content]) =>
              html`<details>
                <summary>${platform}</summary>
                ${htmlTable(
                  ["setting", "value"],
                  flatten(content).map(([key, value]) => [html`<code>${key}</code>`, value]),
                )}
              </details>`,
          )}`
    }`;
}

/** Nested settings as `a.b.c` and text. */
function flatten(content: object, prefix = ""): readonly (readonly [string, string])[] {
  return Object.entries(content).flatMap(([key, value]: [string, unknown]) => {
    const path = prefix === "" ? key : `${prefix}.${key}`;
    if (typeof value === "object" && value !== null) return flatten(value, path);
    return [
      [path, typeof value === "string" ? value : (JSON.stringify(value) ?? missing)],
    ] as const;
  });
}
