/**
 * Acts that an earlier worker of this machine had in hand when it died. Temporal would notice by their
 * heartbeat, a minute later; who sees the dead process need not wait. A worker that is stopped or out
 * of reach is not dead: its acts are Temporal's to give up.
 */
import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { ActivityNotFoundError } from "@temporalio/client";
import type { Client } from "@temporalio/client";
import { ApplicationFailure } from "@temporalio/common";
import type { ProcessIdentity } from "../services/process-identity.ts";
import { identityOf, isAlive } from "../services/process-identity.ts";

/** Where a process id means the same process: one boot, one pid namespace. */
const place = (bootId: string): string =>
  `${hostname()} ${bootId} ${readlinkSync("/proc/self/ns/pid")}`;

/** What Temporal shows as the worker: its process, and where that runs. */
export function workerIdentity(): string {
  const own = identityOf(process.pid);
  if (own === null) throw new Error("this process is not in /proc");
  return `${own.pid}/${own.startTicks}@${place(own.bootId)}`;
}

/** True when `identity` is a worker of this machine that has ended; false also when nobody can know. */
function isDead(identity: string): boolean {
  const [, pid, startTicks, where] = /^(\d+)\/(\d+)@(.+)$/.exec(identity) ?? [];
  const own = identityOf(process.pid);
  if (where === undefined || own === null || where !== place(own.bootId)) return false;
  const worker: ProcessIdentity = { ...own, pid: Number(pid), startTicks: Number(startTicks) };
  return !isAlive(worker);
}

/** PENDING_ACTIVITY_STATE_STARTED of Temporal's API: a worker has it in hand. */
const begun = 2;

/**
 * Temporal takes an act's end by its id alone, also when another worker has it in hand by then. None has
 * sooner than the first pause of every retry policy, 1 s, after the act was seen in dead hands.
 */
const sureMs = 900;

/** Gives up, for the dead, every act of this task queue that a dead worker had begun. Returns how many. */
export async function giveUpAbandoned(client: Client, taskQueue: string): Promise<number> {
  let given = 0;
  const query = `TaskQueue = '${taskQueue}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const asked = new Set<string>();
    for (;;) {
      const seenMs = Date.now();
      const act = await deadAct(client, workflowId, runId, asked);
      if (act === null) break;
      asked.add(act.activityId);
      const died = ApplicationFailure.create({
        message: `its worker, ${act.worker}, has died`,
        type: "WorkerDied",
      });
      const one = { workflowId, runId, activityId: act.activityId };
      if (await fails(client, one, died, seenMs + sureMs)) given += 1;
    }
  }
  return given;
}

/** An act of this workflow, other than those, that a dead worker has in hand; null: none. */
async function deadAct(
  client: Client,
  workflowId: string,
  runId: string,
  but: ReadonlySet<string>,
): Promise<{ readonly activityId: string; readonly worker: string } | null> {
  const { raw } = await client.workflow.getHandle(workflowId, runId).describe();
  for (const { activityId, lastWorkerIdentity: worker, state } of raw.pendingActivities ?? [])
    if (activityId && worker && !but.has(activityId) && Number(state) === begun && isDead(worker))
      return { activityId, worker };
  return null;
}

/** False: its end came first, or it may be in other hands by now; its heartbeat ends it then. */
async function fails(
  client: Client,
  act: { workflowId: string; runId: string; activityId: string },
  failure: ApplicationFailure,
  sureUntilMs: number,
): Promise<boolean> {
  try {
    await client.withDeadline(sureUntilMs, () => client.activity.fail(act, failure));
    return true;
  } catch (error) {
    if (error instanceof ActivityNotFoundError || Date.now() >= sureUntilMs) return false;
    throw error;
  }
}
