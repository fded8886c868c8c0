/** Where a campaign can be looked at in Temporal's UI. */
import { endpoints } from "../services/endpoints.ts";
import { servicesStatus } from "../services/services-status.ts";
import type { StateFolder } from "../services/state-folder.ts";
import { externalTemporal } from "../services/endpoints.ts";
import { tunnelLine } from "./tunnel.ts";

/** The list of workflows with the campaign's filter set. */
export const campaignLink = (ui: string, namespace: string, campaign: string): string =>
  `${ui}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(`LhCampaign="${campaign}"`)}`;

/** null: no UI is known, or the embedded one does not run now. */
export function currentLink(state: StateFolder, campaign: string): string | null {
  const running = servicesStatus(state).temporal.state === "running";
  if (!running && externalTemporal(process.env) === null) return null;
  const { temporal } = endpoints(state);
  return temporal.ui === null ? null : campaignLink(temporal.ui, temporal.namespace, campaign);
}

/** The line that names the link, and on a machine reached over SSH the one that opens it from elsewhere. */
export const linkLines = (link: string | null, env: NodeJS.ProcessEnv): readonly string[] =>
  link === null ? [] : [`Temporal UI: ${link}`, ...tunnelLines(link, env)];

/** For a link to this machine that is shown to somebody who is logged in over SSH. */
export function tunnelLines(link: string | null, env: NodeJS.ProcessEnv): readonly string[] {
  const isLocal = link !== null && /^https?:\/\/(127\.|localhost)/.test(link);
  const tunnel = isLocal ? tunnelLine(link, env) : null;
  return tunnel === null ? [] : [tunnel];
}
