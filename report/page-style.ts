/** The page's own style: two themes by the reader's wish, white in print, nothing loaded from anywhere. */
import { fontFamily, themeVariables } from "./theme.ts";

export const pageStyle = `
:root { color-scheme: light dark; ${themeVariables("light")} --soft: #f4f6f8; --good: #0f8a70; --bad: #b02a4c; }
@media (prefers-color-scheme: dark) { :root { ${themeVariables("dark")} --soft: #1f252d; --good: #4fd1b0; --bad: #f0829d; } }
@media print { :root { color-scheme: light; ${themeVariables("light")} --soft: #f4f6f8; } main { max-width: none; padding: 0; } nav { display: none; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; } details > * { display: block; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 ${fontFamily}; }
main { max-width: 76rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .35rem; letter-spacing: -.01em; }
h2 { font-size: 1.3rem; margin: 3rem 0 .75rem; padding-top: 1rem; border-top: 1px solid var(--grid); }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
p { margin: .5rem 0; max-width: 46rem; }
a { color: var(--series-1); }
code { font: .88em ui-monospace, 'DejaVu Sans Mono', monospace; overflow-wrap: anywhere; }
.lead, figcaption, .note { color: var(--muted); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.1rem; margin: 1.25rem 0 0; font-size: .92rem; }
.bar { display: flex; height: 14px; border-radius: 7px; overflow: hidden; background: var(--grid); margin: 1rem 0 .6rem; }
.bar span { display: block; }
.valid { background: var(--good); } .invalid { background: var(--bad); } .skipped { background: var(--reference); }
.running { background: var(--series-1); } .pending { background: var(--grid); }
.equation { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.equation b { font-weight: 650; }
.key { display: inline-block; width: .7em; height: .7em; border-radius: 2px; margin-right: .3em; border: 1px solid var(--grid); }
figure { margin: 1.5rem 0 2.25rem; }
figure svg { max-width: 100%; height: auto; display: block; }
figcaption { font-size: .9rem; max-width: 46rem; margin-top: .35rem; }
figcaption b { color: var(--ink); }
.empty { border: 1px dashed var(--reference); border-radius: 8px; padding: 1rem 1.2rem; }
.wide { overflow-x: auto; margin: .75rem 0 1.25rem; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; min-width: 60%; }
th { text-align: left; font-weight: 600; color: var(--muted); vertical-align: bottom; border-bottom: 1.5px solid var(--reference); }
th, td { padding: .35rem .7rem .35rem 0; }
td { border-bottom: 1px solid var(--grid); vertical-align: top; }
.number { text-align: right; } td.number, td.short { white-space: nowrap; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; font-size: .92rem; margin: 1rem 0; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; overflow-wrap: anywhere; }
details { margin: .5rem 0; } summary { cursor: pointer; }
`;
