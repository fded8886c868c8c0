import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { etaSeconds } from "../model/pace.ts";
import { campaignWorkflowId } from "../model/search-attributes.ts";
import { unknownCampaign } from "../report/record.ts";
import { externalDatabase } from "../services/endpoints.ts";
import { type ServicesStatus, servicesStatus } from "../services/services-status.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import { type CampaignStatus, type Store, StoreUnavailable } from "../store/store.ts";
import {
  type CampaignJson,
  campaignJson,
  holdsTestbed,
  isOpen,
  unreadableCampaign,
} from "./campaign-json.ts";
import { campaignText } from "./campaign-text.ts";
import { healthView } from "./health-text.ts";
import { recoveryText, recoveryView } from "./recovery-text.ts";
import { inTheirWords } from "./say.ts";
import { storeExists, withStore } from "./store-access.ts";
import { currentLink, tunnelLines } from "./ui-link.ts";
import { waitsFor } from "./waits-for.ts";

/** What of the store a status needs: snapshots and counts, never all rows of a campaign. */
export type StatusStore = Pick<
  Store,
  "status" | "allStatus" | "pace" | "testbeds" | "recoveries" | "quarantines" | "lastHealthTrial"
>;
type LinkOf = (campaign: string) => string | null;

const watchMs = 1000;
/** After `down` each look starts the embedded PostgreSQL for itself. */
const borrowedWatchMs = 10_000;

export function statusCommand(program: Command): void {
  program
    .command("status")
    .description("where a campaign, or everything, stands")
    .argument("[id]", "campaign")
    .option("--watch", "print it anew every second, until Ctrl-C or the campaign's end")
    .action(
      async (
        id: string | undefined,
        options: { state?: string; json?: boolean; watch?: boolean },
      ) => {
        const state = stateFolder(options.state);
        for (;;) {
          const answer = await read(state, id);
          if (options.watch === true && process.stdout.isTTY) console.clear();
          console.log(
            options.json === true
              ? JSON.stringify(answer.json)
              : inTheirWords(shownText(answer, process.env)),
          );
          if (options.watch !== true || answer.ended) return;
          const kept = servicesStatus(state).supervisor.state === "running";
          await delay(kept || externalDatabase(process.env) !== null ? watchMs : borrowedWatchMs);
        }
      },
    );
}

interface Answer {
  readonly json: unknown;
  readonly text: string;
  /** One of the links in it; null: there is none. */
  readonly ui: string | null;
  /** Nothing more can change: a watch ends. */
  readonly ended: boolean;
}

/** On a machine reached over SSH with the command that opens the links. */
export const shownText = ({ text, ui }: Pick<Answer, "text" | "ui">, env: NodeJS.ProcessEnv) =>
  [text, ...tunnelLines(ui, env)].join("\n");

async function read(state: StateFolder, id: string | undefined): Promise<Answer> {
  const link: LinkOf = (campaign) => currentLink(state, campaign);
  const services = servicesStatus(state);
  try {
    const waits = waitsFor(services);
    if (id !== undefined)
      return await withStore(state, (store) => campaignAnswer(store, id, link, waits));
    if (!storeExists(state)) return everything(services, [], []);
    return await withStore(state, (store) => everythingAnswer(store, services, link));
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) throw error;
    const reason = sentence(error);
    if (id === undefined) return everything(services, null, null, reason);
    const json = unreadableCampaign(id, campaignWorkflowId(id), reason);
    return { json, text: campaignText(json, null), ui: null, ended: false };
  }
}

/** @throws {UsageError} the campaign is unknown. */
export async function campaignAnswer(
  store: StatusStore,
  id: string,
  link: LinkOf,
  /** What the services under it wait for. */
  waits: string | null = null,
): Promise<Answer> {
  const status = await store.status(id);
  if (!status) throw await unknownCampaign(store, id);
  const { json, text } = await campaignView(store, status, link, waits);
  return { json, text, ui: json.temporalUi, ended: !isOpen(status) };
}

/** One campaign as scripts and people see it; the same alone and among all. */
async function campaignView(
  store: StatusStore,
  status: CampaignStatus,
  link: LinkOf,
  waits: string | null,
) {
  const { campaign, testbed } = status;
  const recovery = recoveryView(await store.recoveries(campaign), await store.quarantines(testbed));
  const health = healthView(recovery, await store.lastHealthTrial(campaign));
  const own = await withEta(store, status, link);
  const json = { ...own, waitsFor: (isOpen(status) ? waits : null) ?? own.waitsFor };
  const isNews = isOpen(status) || recovery.last !== null;
  return {
    json: { ...json, health, recovery },
    text: campaignText(json, recoveryText(recovery, Date.now()), isNews ? health : null),
  };
}

export async function everythingAnswer(
  store: StatusStore,
  services: ServicesStatus,
  link: LinkOf,
): Promise<Answer> {
  const campaigns: Awaited<ReturnType<typeof campaignView>>[] = [];
  const statuses = await store.allStatus();
  for (const status of statuses)
    campaigns.push(await campaignView(store, status, link, waitsFor(services)));
  const testbeds = (await store.testbeds()).map(({ name }) => testbedView(name, statuses));
  return everything(services, testbeds, campaigns);
}

interface TestbedView {
  readonly name: string;
  readonly state: "busy" | "free";
  readonly heldBy: string | null;
  /** Campaigns that wait for it, the next one first. */
  readonly queue: readonly string[];
}

function testbedView(name: string, statuses: readonly CampaignStatus[]): TestbedView {
  const own = statuses.filter(({ testbed }) => testbed === name);
  const holder = own.find(holdsTestbed);
  const queue = own
    .filter((status) => status.queue !== null)
    .toSorted((a, b) => (a.queue?.place ?? 0) - (b.queue?.place ?? 0));
  return {
    ...{ name, state: holder ? "busy" : "free", heldBy: holder?.campaign ?? null },
    queue: queue.map(({ campaign }) => campaign),
  };
}

function everything(
  services: ServicesStatus,
  testbeds: readonly TestbedView[] | null,
  campaigns: readonly { readonly json: CampaignJson; readonly text: string }[] | null,
  reason: string | null = null,
): Answer {
  const serviceLines = (["temporal", "postgres", "worker"] as const).map(
    (name) =>
      `${name.padEnd(9)} ${services[name].state}${services[name].address === null ? "" : ` at ${services[name].address}`}`,
  );
  if (services.worker.waitsFor)
    serviceLines.push(`          waits for ${services.worker.waitsFor}`);
  const testbedLines = (testbeds ?? []).map(
    ({ name, state, heldBy, queue }) =>
      `testbed   ${name}: ${state}${heldBy === null ? "" : `, held by ${heldBy}`}${queue.length === 0 ? "" : `; in its queue: ${queue.join(", ")}`}`,
  );
  const campaignLines = (campaigns ?? []).map(({ text }) => text);
  const none = campaigns?.length === 0 ? ["no campaign was planned yet"] : [];
  return {
    json: { services, testbeds, campaigns: campaigns?.map(({ json }) => json) ?? null, reason },
    text: [
      ...serviceLines,
      ...testbedLines,
      ...campaignLines,
      ...none,
      ...(reason ? [reason] : []),
    ].join("\n"),
    ui: campaigns?.find(({ json }) => json.temporalUi !== null)?.json.temporalUi ?? null,
    ended: false,
  };
}

async function withEta(store: StatusStore, status: CampaignStatus, link: LinkOf) {
  const eta = isOpen(status) ? etaSeconds(await store.pace(status.campaign)) : null;
  return campaignJson(status, eta, link(status.campaign) ?? status.temporalUi);
}

const sentence = (error: Error): string =>
  error.cause instanceof Error && !error.message.includes(error.cause.message)
    ? `${error.message}: ${error.cause.message}`
    : error.message;
