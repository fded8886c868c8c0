/** Figures as SVG text, compiled and drawn in this process, without a browser. */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { vegaConfig } from "./theme.ts";

/** Draws a Vega-Lite description. The result is one `<svg>` element with a `viewBox`. */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const compiled = compile(spec, { config: vegaConfig });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}

/** Gives the clip paths of an SVG a name of its own, so that several can stand in one page. */
export const withOwnIds = (svg: string, name: string): string =>
  svg
    .replaceAll(/id="((?:clip|gradient)[^"]*)"/g, `id="${name}-$1"`)
    .replaceAll(/url\(#([^)]*)\)/g, `url(#${name}-$1)`);
