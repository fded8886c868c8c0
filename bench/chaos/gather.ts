/** Reads the record of a chaos campaign from its witnesses: the store, Temporal, the machine. */
import { defaultPayloadConverter } from "@temporalio/common";
import type { Client } from "@temporalio/client";
import { withClient } from "../../cli/temporal-client.ts";
import type { StateFolder } from "../../services/state-folder.ts";
import { audit } from "../../store/audit.ts";
import { openDatabase } from "../../store/database.ts";
import type { Store } from "../../store/store.ts";
import type { AttemptRef } from "../../model/trial.ts";
import type { ElementInput, ElementResult } from "../../workflows/element.ts";
import type { Chaos } from "./draw.ts";
import type { ChaosRecord, RecordedTrial, TemporalRecord } from "./record.ts";

type FromStore = Pick<
  ChaosRecord,
  "planned" | "status" | "trials" | "events" | "recoveries" | "anomalies"
>;

export async function readStore(
  store: Store,
  databaseUrl: string,
  campaign: string,
  { trials: planned, trialFaults }: Chaos,
): Promise<FromStore> {
  const status = await store.status(campaign);
  if (status === null) throw new Error(`the store knows no campaign ${campaign}`);
  const trials: RecordedTrial[] = [];
  for (const row of await store.trials(campaign)) {
    const own = row.id.slice(campaign.length + 1);
    const fault =
      row.scenario.fault === undefined
        ? null
        : (trialFaults.find(({ trials: { name } }) => own.startsWith(name.replace("*", ""))) ??
          null);
    trials.push({
      ...row,
      platform: row.scenario.platform,
      fault,
      attempts: await store.attempts(row.id),
      steps: await store.steps(row.id),
    });
  }
  const database = openDatabase(databaseUrl);
  try {
    return {
      planned,
      status,
      trials,
      events: await store.events({ campaign }),
      recoveries: await store.recoveries(campaign),
      anomalies: await audit(database, campaign),
    };
  } finally {
    await database.close();
  }
}

export const readTemporal = (state: StateFolder, campaign: string): Promise<TemporalRecord> =>
  withClient(state, async (client) => {
    const open: string[] = [];
    const measures: TemporalRecord["measures"][number][] = [];
    const verdicts: TemporalRecord["verdicts"][number][] = [];
    for await (const run of client.workflow.list({ query: `LhCampaign = '${campaign}'` })) {
      if (run.status.name === "RUNNING") open.push(run.workflowId);
      const told = await historyOf(client, run.workflowId, run.runId);
      measures.push(...told.measures);
      verdicts.push(...told.verdicts);
    }
    return { open, measures, verdicts };
  });

async function historyOf(client: Client, workflowId: string, runId: string) {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const measures: TemporalRecord["measures"][number][] = [];
  const verdicts: TemporalRecord["verdicts"][number][] = [];
  let input: ElementInput | null = null;
  for (const event of events ?? []) {
    const started = event.workflowExecutionStartedEventAttributes;
    if (
      started?.workflowType?.name === "forwardingSweep" ||
      started?.workflowType?.name === "migrationTrial"
    )
      input = first<ElementInput>(started.input?.payloads);
    const ordered = event.activityTaskScheduledEventAttributes;
    if (ordered?.activityType?.name === "measure") {
      const { trialId, attempt } = first<AttemptRef>(ordered.input?.payloads);
      measures.push({ trial: trialId, attempt });
    }
    const ended = event.workflowExecutionCompletedEventAttributes;
    if (ended && input)
      for (const [index, line] of first<ElementResult>(ended.result?.payloads).trials.entries()) {
        const trial = input.element.trials[index]?.trialId ?? "";
        const words = line.slice((input.element.trials[index]?.label.length ?? 0) + 2);
        if (/^(valid|invalid)/.test(words)) verdicts.push({ trial, words });
      }
  }
  return { measures, verdicts };
}

type Payload = Parameters<typeof defaultPayloadConverter.fromPayload>[0];
function first<Value>(payloads: readonly Payload[] | null | undefined): Value {
  const [payload] = payloads ?? [];
  if (payload === undefined) throw new Error("a history's event has no payload");
  return defaultPayloadConverter.fromPayload<Value>(payload);
}
