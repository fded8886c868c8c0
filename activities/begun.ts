/**
 * What a trial knows when its load begins, written to the store at once: with it `collect` can finish
 * the measurement from the hosts' units after the worker died.
 */
import { z } from "zod";
import type { ClockOffset, CounterSnapshot, LedgerPath } from "../model/measurement.ts";
import type { Store } from "../store/store.ts";
import type { PhaseLog } from "./phase-log.ts";
import type { Setup } from "./setup.ts";

export interface Begun {
  readonly path: LedgerPath;
  readonly clocks: readonly ClockOffset[];
  readonly before: readonly CounterSnapshot[];
  readonly phases: PhaseLog["entries"];
  /** The router's own; null: it has none, or it cannot be asked. */
  readonly guestBootId: string | null;
}

/** Of our own writing: only its outline is checked. */
const begunSchema = z.object({
  path: z.custom<LedgerPath>((value) => typeof value === "object"),
  clocks: z.array(z.custom<ClockOffset>()),
  before: z.array(z.custom<CounterSnapshot>()),
  phases: z.array(z.object({ name: z.string(), atUs: z.number() })),
  guestBootId: z.string().nullable().default(null),
});

const keyOf = ({ ref }: Setup) => `${ref.trialId}#${ref.attempt} load begins`;

export const storeBegun = (store: Store, setup: Setup, begun: Begun): Promise<void> =>
  store.putEvent({
    key: keyOf(setup),
    testbed: setup.ref.testbed,
    campaign: setup.ref.campaignId,
    trial: setup.ref.trialId,
    attempt: setup.ref.attempt,
    host: null,
    kind: "load-begins",
    content: { ...begun },
    at: new Date().toISOString(),
  });

/** null: the load of this attempt never began, as far as the store knows. */
export async function readBegun(store: Store, setup: Setup): Promise<Begun | null> {
  const events = await store.events({ trial: setup.ref.trialId });
  const event = events.find(({ key }) => key === keyOf(setup));
  return event === undefined ? null : begunSchema.parse(event.content);
}
