/**
 * One testbed, one campaign. The lock's workflow id is `testbed/<name>`; it lives as long as the server
 * remembers it. It is let go by its holder, or when the holder is found closed; never by time alone.
 * Who asks to wait is queued, first come, first served: a testbed that is let go is the first one's
 * before anybody else can ask for it.
 *
 * Changes to this file need `patched()` where a running history would replay otherwise.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { acquire, holder, lookAgain, queue as queueQuery, release } from "./messages.ts";
import type { LockAnswer, LockHolder, LockRequest, QueuedHolder } from "./messages.ts";
import { act } from "./policies.ts";

export interface LockInput extends LockHolder {
  readonly testbed: string;
  /** Given by the lock to itself when it continues as new. Absent before 0.2.0, and where nobody waits. */
  readonly queue?: readonly QueuedHolder[];
}

export async function testbedLock(input: LockInput): Promise<void> {
  let lock: LockHolder = { holder: input.holder, epoch: input.epoch };
  let queue: readonly QueuedHolder[] = input.queue ?? [];

  setHandler(holder, () => lock, {
    description: "Who holds the testbed, and the epoch of the grant",
  });
  setHandler(queueQuery, () => queue, { description: "Who waits for the testbed, first in front" });
  setHandler(acquire, grant, {
    description: "Takes the testbed, or names its holder, or waits in the queue",
    validator: ({ holder }) => {
      if (holder === "")
        throw ApplicationFailure.nonRetryable("the holder's workflow id is missing");
    },
  });
  setHandler(release, letGo, {
    description: "Lets the testbed go, if that workflow holds it, and leaves the queue",
  });
  describe();
  await condition(() => workflowInfo().continueAsNewSuggested && allHandlersFinished());
  await continueAsNew<typeof testbedLock>({
    testbed: input.testbed,
    ...lock,
    ...(queue.length === 0 ? {} : { queue }),
  });

  async function grant(request: LockRequest): Promise<LockAnswer> {
    for (;;) {
      const held = lock.holder;
      if (held === request.holder && !request.renew)
        return { status: "granted", epoch: lock.epoch };
      if (held === null || held === request.holder) {
        const [first] = queue;
        if (held === null && first !== undefined && first.holder !== request.holder) {
          await pass();
          continue;
        }
        take(request);
        return { status: "granted", epoch: lock.epoch };
      }
      const summary = `is ${held} still running?`;
      const closed = await act("isClosed", { summary })(held);
      // Another request may have been answered meanwhile.
      if (lock.holder !== held) continue;
      if (!closed)
        return request.queue === true ? wait(request, held) : { status: "busy", heldBy: held };
      await pass();
    }
  }

  function take({ holder, epochFloor }: Pick<QueuedHolder, "holder" | "epochFloor">): void {
    queue = queue.filter((one) => one.holder !== holder);
    lock = { holder, epoch: Math.max(lock.epoch, epochFloor) + 1 };
    describe();
  }

  function wait({ holder, epochFloor, queuedSinceMs }: LockRequest, heldBy: string): LockAnswer {
    if (!queue.some((one) => one.holder === holder)) {
      // Times of one workflow task are equal: those of the queue rise.
      const sinceMs = queuedSinceMs ?? Math.max(Date.now(), (queue.at(-1)?.sinceMs ?? 0) + 1);
      queue = [...queue, { holder, epochFloor, sinceMs }].sort((a, b) => a.sinceMs - b.sinceMs);
      describe();
    }
    const index = queue.findIndex((one) => one.holder === holder);
    return {
      status: "queued",
      heldBy,
      place: index + 1,
      sinceMs: queue[index]?.sinceMs ?? Date.now(),
    };
  }

  async function letGo(by: string): Promise<boolean> {
    const waited = queue.length;
    queue = queue.filter(({ holder }) => holder !== by);
    if (lock.holder === by) await pass();
    else if (queue.length === waited) return false;
    else {
      describe();
      await tellQueue();
    }
    return true;
  }

  /** The testbed is the first one's in the queue that still waits; free, where there is none. */
  async function pass(): Promise<void> {
    lock = { holder: null, epoch: lock.epoch };
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      take(next);
      if (await tell(next.holder)) break;
      if (lock.holder !== next.holder) return;
      lock = { holder: null, epoch: lock.epoch };
    }
    describe();
    await tellQueue();
  }

  /** Everybody's place may be another one now; who is closed waits no more. */
  async function tellQueue(): Promise<void> {
    for (const { holder } of queue)
      if (!(await tell(holder))) {
        queue = queue.filter((one) => one.holder !== holder);
        describe();
      }
  }

  /** False: that workflow is closed. */
  async function tell(workflowId: string): Promise<boolean> {
    try {
      await getExternalWorkflowHandle(workflowId).signal(lookAgain);
      return true;
    } catch (error) {
      log.info("who waited for the testbed is closed", { workflowId, error: String(error) });
      return false;
    }
  }

  function describe(): void {
    const who = lock.holder === null ? "free" : `held by \`${lock.holder}\``;
    const waiting = queue.map(({ holder }, index) => `${index + 1}. \`${holder}\``);
    setCurrentDetails(
      [
        `Testbed **${input.testbed}** is ${who} (epoch ${lock.epoch}).`,
        ...(waiting.length === 0 ? [] : [`Queue:\n\n${waiting.join("\n")}`]),
      ].join("\n\n"),
    );
  }
}
