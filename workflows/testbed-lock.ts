/**
 * One testbed, one campaign. The lock's workflow id is `testbed/<name>`; it lives as long as the server
 * remembers it. It is let go by its holder, or when the holder is found closed; never by time alone.
 *
 * Changes to this file need `patched()` where a running history would replay otherwise.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import { acquire, holder, release } from "./messages.ts";
import type { LockAnswer, LockHolder, LockRequest } from "./messages.ts";
import { act } from "./policies.ts";

export interface LockInput extends LockHolder {
  readonly testbed: string;
}

export async function testbedLock(input: LockInput): Promise<void> {
  let lock: LockHolder = { holder: input.holder, epoch: input.epoch };

  setHandler(holder, () => lock, {
    description: "Who holds the testbed, and the epoch of the grant",
  });
  setHandler(acquire, grant, {
    description: "Takes the testbed, or names its holder",
    validator: ({ holder }) => {
      if (holder === "")
        throw ApplicationFailure.nonRetryable("the holder's workflow id is missing");
    },
  });
  setHandler(release, letGo, { description: "Lets the testbed go, if that workflow holds it" });
  describe();
  await condition(() => workflowInfo().continueAsNewSuggested && allHandlersFinished());
  await continueAsNew<typeof testbedLock>({ testbed: input.testbed, ...lock });

  async function grant(request: LockRequest): Promise<LockAnswer> {
    for (;;) {
      const held = lock.holder;
      if (held === request.holder && !request.renew)
        return { status: "granted", epoch: lock.epoch };
      if (held !== null && held !== request.holder) {
        const summary = `is ${held} still running?`;
        const closed = await act("isClosed", { summary })(held);
        // Another request may have been answered meanwhile.
        if (lock.holder !== held) continue;
        if (!closed) return { status: "busy", heldBy: held };
      }
      lock = { holder: request.holder, epoch: Math.max(lock.epoch, request.epochFloor) + 1 };
      describe();
      return { status: "granted", epoch: lock.epoch };
    }
  }

  function letGo(by: string): boolean {
    if (lock.holder !== by) return false;
    lock = { holder: null, epoch: lock.epoch };
    describe();
    return true;
  }

  function describe(): void {
    const who = lock.holder === null ? "free" : `held by \`${lock.holder}\``;
    setCurrentDetails(`Testbed **${input.testbed}** is ${who} (epoch ${lock.epoch}).`);
  }
}
