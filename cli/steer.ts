import {
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  WorkflowUpdateStage,
} from "@temporalio/client";
import type { Client } from "@temporalio/client";
import type { Command } from "commander";
import { campaignWorkflowId } from "../model/search-attributes.ts";
import { hostNames } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import { unknownCampaign } from "../report/record.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import { closingWords } from "../model/extension.ts";
import type { Steered } from "../workflows/messages.ts";
import type { Store } from "../store/store.ts";
import { isOpen } from "./campaign-json.ts";
import { letTestbedGo } from "./launch.ts";
import { withStore } from "./store-access.ts";
import { asker, withClient } from "./temporal-client.ts";

type Verb = "pause" | "resume" | "cancel" | "releaseHost" | "skip" | "extend";

/** A worker that lives takes an update in milliseconds; one that is being restarted, in some seconds. */
const acceptDeadlineMs = 30_000;
/** `cancel` answers when the running trial is cut and the testbed restored. */
const answerDeadlineMs = 300_000;

/** `longhaul release <id> <host>`: a host in quarantine takes part again. */
export function releaseCommand(program: Command): void {
  program
    .command("release")
    .description("let a host in quarantine take part again")
    .argument("<id>", "campaign that waits for it")
    .argument("<host>", hostNames.join(", "))
    .action(async (id: string, host: string, options: { state?: string; json?: boolean }) => {
      if (!hostNames.some((known) => known === host))
        throw new UsageError(
          `host ${JSON.stringify(host)} is unknown; known ones: ${hostNames.join(", ")}`,
        );
      const state = stateFolder(options.state);
      await known(state, id);
      const answer = await steer<Steered>(state, "releaseHost", id, [host]);
      if (options.json === true) console.log(JSON.stringify({ campaign: id, host, ...answer }));
      else console.error(`${host} takes part again; ${id} is ${answer.state}`);
    });
}

const steering =
  (
    verb: Verb,
    description: string,
    /** What is done where no workflow runs that could take the order; null: nothing can be. */
    withoutWorkflow: (state: StateFolder, id: string) => Promise<Steered | null> = () =>
      Promise.resolve(null),
  ) =>
  (program: Command): void => {
    program
      .command(verb)
      .description(description)
      .argument("<id>", "campaign")
      .action(async (id: string, options: { state?: string; json?: boolean }) => {
        const state = stateFolder(options.state);
        await known(state, id);
        const answer = await steer<Steered>(state, verb, id).catch(async (error: unknown) => {
          const instead = isGone(error) ? await withoutWorkflow(state, id) : null;
          if (instead === null) throw error;
          return instead;
        });
        if (options.json === true) console.log(JSON.stringify({ campaign: id, ...answer }));
        else console.error(`${id} is ${answer.state}`);
      });
  };

export const pauseCommand = steering("pause", "pause a campaign after its current trial");
export const resumeCommand = steering("resume", "let a paused or waiting campaign go on");
export const cancelCommand = steering(
  "cancel",
  "cut the running trial, restore the testbed, skip the rest",
  async (state, id) => {
    const answer = await withStore(state, (store) =>
      withClient(state, (client) => closeWithoutWorkflow(client, store, id, asker())),
    );
    if (answer !== null)
      console.error(
        `${id}: no workflow of it runs in Temporal; it is closed in the store. Nothing was restored: the next campaign prepares the testbed`,
      );
    return answer;
  },
);

/**
 * Ends in the store a campaign whose workflow a person ended in Temporal, or that Temporal does not know:
 * what has no verdict is skipped, the testbed let go. null: it is at its end already.
 */
export async function closeWithoutWorkflow(
  client: Client,
  store: Pick<Store, "status" | "cancelCampaign">,
  id: string,
  by: string,
): Promise<Steered | null> {
  const status = await store.status(id);
  if (status === null || !isOpen(status)) return null;
  await store.cancelCampaign(id, by);
  // Where nobody answers for the lock, it lets go a holder that it finds closed.
  await client
    .withDeadline(Date.now() + acceptDeadlineMs, () => letTestbedGo(client, status.testbed, id))
    .catch((error: unknown) => {
      if (!isUnanswered(error)) throw error;
    });
  return { state: "cancelled" };
}

/** @throws {UsageError} the campaign is unknown. */
const known = (state: StateFolder, id: string): Promise<void> =>
  withStore(state, async (store) => {
    if ((await store.status(id)) === null) throw await unknownCampaign(store, id);
  });

/** One update of a campaign's workflow. @throws Temporal or the worker is away, or the campaign refuses and says why. */
export async function steer<Answer>(
  state: StateFolder,
  verb: Verb,
  id: string,
  more: readonly (string | number)[] = [],
): Promise<Answer> {
  return await withClient(state, async (client) => {
    const workflow = client.workflow.getHandle(campaignWorkflowId(id));
    try {
      const update = await client.withDeadline(Date.now() + acceptDeadlineMs, () =>
        workflow.startUpdate<Answer, [by: string, ...more: (string | number)[]]>(verb, {
          args: [asker(), ...more],
          waitForStage: WorkflowUpdateStage.ACCEPTED,
        }),
      );
      return await client.withDeadline(Date.now() + answerDeadlineMs, () => update.result());
    } catch (cause) {
      throw new Error(`${verb} ${id}: ${refusal(cause)}`, { cause });
    }
  });
}

/** No workflow runs: it has ended, was deleted, or never began. */
const isGone = (error: unknown): boolean =>
  error instanceof Error && error.cause instanceof WorkflowNotFoundError;

const isUnanswered = (error: unknown): boolean =>
  error instanceof WorkflowNotFoundError ||
  error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
  isGrpcServiceError(error);

/** Whether an order found no workflow that could take it: it has ended, is about to, or never began. */
export function hasNoWorkflow(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : null;
  if (!(cause instanceof Error)) return false;
  if (cause.name === "WorkflowNotFoundError") return true;
  return cause.cause instanceof Error && cause.cause.message.endsWith(closingWords);
}

/** The campaign's own words where it refused; otherwise what is missing. */
function refusal(error: unknown): string {
  const name = error instanceof Error ? error.name : "";
  if (name === "WorkflowUpdateFailedError") return "the campaign refuses";
  if (name === "WorkflowNotFoundError") return "its workflow has ended; there is nothing to steer";
  if (name === "WorkflowUpdateRPCTimeoutOrCancelledError")
    return "no worker took the order in time; `longhaul status` shows the worker, `longhaul logs worker` why";
  return "Temporal did not take the order";
}
