/** The report as one page that needs nothing else: figures are drawn into it, styles stand in it. */
import { durationText } from "./number-text.ts";
import { type Html, html, nothing, section } from "./html-text.ts";
import { pageStyle } from "./page-style.ts";
import { followPage } from "./theme.ts";
import { withOwnIds } from "./svg.ts";
import type { Figure } from "./figures/figure.ts";
import type { CampaignRecord } from "./record.ts";
import {
  conditions,
  deviationsAndOmissions,
  invalidTrials,
  ledgerHead,
  resultsSection,
} from "./page-sections.ts";
import { recoverySection } from "./recoveries.ts";
import type { Table } from "./tables.ts";

export interface DrawnFigure extends Figure {
  /** null: there was nothing to draw, and the caption says why. */
  readonly svg: string | null;
}

export interface PageContent {
  readonly record: CampaignRecord;
  readonly tables: readonly Table[];
  readonly figures: readonly DrawnFigure[];
  /** Names of the files beside the page. */
  readonly files: readonly string[];
  readonly writtenAt: string;
}

const chapters: readonly (readonly [Figure["section"], string])[] = [
  ["forwarding", "Forwarding"],
  ["losses", "Where the frames were lost"],
  ["migration", "Live migration"],
  ["series", "One migration in time"],
  ["recovery", "Recoveries"],
  ["host", "The host’s own load"],
];

export function page(content: PageContent): string {
  const { record, figures, tables } = content;
  const { status, campaign } = record;
  const present = chapters.filter(([name]) => figures.some((each) => each.section === name));
  const body = html` <header>
      <h1>${status.campaign}</h1>
      <p class="lead">${lead(record)}</p>
      ${ledgerHead(record)}
      <nav>
        <a href="#results">Results</a
        >${present.map(([name, title]) => html`<a href="#${name}">${title}</a>`)}<a href="#verdicts"
          >Verdicts</a
        ><a href="#method">Method</a><a href="#conditions">Conditions</a><a href="#files">Files</a>
      </nav>
    </header>
    ${section("results", "Results", resultsSection(tables, campaign.repetitions))}
    ${present.map(([name, title]) =>
      section(
        name,
        title,
        join([
          ...(name === "recovery" ? [recoverySection(record)] : []),
          ...figures.filter((each) => each.section === name).map(figureHtml),
        ]),
      ),
    )}
    ${section("verdicts", "Trials without a valid verdict", invalidTrials(record.trials))}
    ${section("method", "Deviations and omissions", deviationsAndOmissions(record))}
    ${section("conditions", "Conditions", conditions(record))}
    ${section(
      "files",
      "Files",
      html`<p>
          Figures as SVG and every planned trial as a row, with the same keys in CSV and JSON; units
          are in the keys.
        </p>
        <ul>
          ${content.files.map((file) => html`<li><a href="${file}">${file}</a></li>`)}
        </ul>
        <p class="note">Written ${content.writtenAt} from stored rows only.</p>`,
    )}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html`${status.campaign} – Longhaul`.html}</title>
<style>${pageStyle}</style>
</head>
<body><main>${body.html}</main></body>
</html>
`;
}

function lead({ status, campaign }: CampaignRecord): string {
  const took =
    status.startedAt && status.endedAt
      ? `, ${durationText((Date.parse(status.endedAt) - Date.parse(status.startedAt)) / 1e3)} long`
      : "";
  const began = status.startedAt
    ? `, begun ${status.startedAt.slice(0, 16).replace("T", " ")} UTC`
    : "";
  const reason = status.reason ? ` (${status.reason})` : "";
  return `Campaign ${campaign.name} on testbed ${status.testbed}: ${status.state}${reason}${began}${took}.`;
}

const join = (parts: readonly Html[]): Html => ({
  html: parts.map((part) => part.html).join("\n"),
});

function figureHtml({ svg, name, title, caption }: DrawnFigure): Html {
  const drawing = svg === null ? nothing : { html: accessible(inPage(svg, name), title) };
  return html`<figure id="${name}" ${svg === null ? { html: ' class="empty"' } : nothing}>
    ${drawing}
    <figcaption><b>${title}.</b> ${caption}</figcaption>
  </figure>`;
}

const inPage = (svg: string, name: string): string =>
  followPage(withOwnIds(svg, name)).replace(/width="([\d.]+)" height="[\d.]+"/, 'width="$1"');

const accessible = (svg: string, title: string): string =>
  svg.replace("<svg ", `<svg role="img" aria-label="${html`${title}`.html}" `);
