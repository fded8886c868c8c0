/**
 * The campaign's desk: what it says of itself (queries, details, search attributes, the state in the
 * store) and how it is steered (updates). What is refused says why.
 */
import {
  ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  uuid4,
} from "@temporalio/workflow";
import { closingWords } from "../model/extension.ts";
import type { SkipOrder } from "../model/skip.ts";
import type { CampaignState } from "../model/trial.ts";
import type { CampaignProgress } from "./acts.ts";
import type { CampaignInput } from "./campaign.ts";
import { campaignDetails, ledgerSentence, queueWords } from "./details.ts";
import * as messages from "./messages.ts";
import type { CampaignView, LockAnswer, Steered } from "./messages.ts";
import { planChanges } from "./plan-changes.ts";
import { act } from "./policies.ts";
import { attributes } from "./search.ts";

type QueuePlace = Extract<LockAnswer, { status: "queued" }>;

const queueLookInterval = "10m";

/** Ways to speak to the running element. They throw nothing: one that has ended needs no word. */
interface ElementDoor {
  readonly hold: (held: boolean) => Promise<void>;
  readonly skip: (order: SkipOrder) => Promise<void>;
}

const stateOf = (carried: CampaignInput["carried"]): CampaignState => {
  if (carried === null) return "planned";
  if (carried.paused) return "paused";
  return carried.wait ? "waiting" : "running";
};

export type ControlDesk = ReturnType<typeof controlDesk>;

export function controlDesk({ campaignId, testbed, carried }: CampaignInput) {
  /** Holds everything that a cancel cuts. */
  const work = new CancellationScope({ cancellable: true });
  let view: CampaignView = {
    campaign: campaignId,
    testbed,
    state: stateOf(carried),
    reason: carried?.paused === true ? null : (carried?.wait?.reason ?? null),
    step: "starting",
    sinceMs: Date.now(),
    element: null,
  };
  let stored: Pick<CampaignView, "state" | "reason"> | null =
    carried === null ? null : { state: view.state, reason: view.reason };
  let storing: Promise<void> | null = null;
  let ledger: CampaignProgress | null = null;
  let ledgerMs = 0;
  let cancelAskedBy: string | null = null;
  let closing = false;
  let waitsForHosts = false;
  let releases = 0;
  let holdElement: ((held: boolean) => Promise<void>) | null = null;
  let queuedAt: string | null = null;
  let queueMoves = 0;
  const plan = planChanges({ campaignId, refuseUnless, changed });

  if (carried === null)
    upsertSearchAttributes(
      attributes({ LhCampaign: campaignId, LhTestbed: testbed, LhKind: "campaign", LhDone: 0 }),
    );
  show({});
  setHandler(messages.progress, () => ledger, { description: "The ledger, as last read" });
  setHandler(messages.state, () => view, { description: "State, and what it does or waits for" });
  setHandler(messages.pause, (by) => steer("paused", `paused by ${by}`), {
    description: "Pause after the current trial",
    validator: (by: string) =>
      refuseUnless(by, view.state === "running", `is ${view.state}, not running`),
  });
  setHandler(messages.resume, goOnBy, {
    description: "Go on after a pause, or after what it waited for was mended",
    validator: (by: string) =>
      refuseUnless(by, isHeld(), `is ${view.state}: there is nothing to resume`),
  });
  setHandler(messages.releaseHost, releaseHost, {
    description: "Let a host in quarantine take part again; a campaign that waits looks again",
    validator: (by: string, host: string) => {
      refuseUnless(by, typeof host === "string" && host !== "", "is told no host to release");
    },
  });
  setHandler(messages.lookAgain, () => void (queueMoves += 1), {
    description: "From the testbed's lock: the queue has moved",
  });
  setHandler(messages.cancel, cancel, {
    description: "Cut and restore the running trial, skip the rest, end the campaign",
    validator: (by: string) => refuseUnless(by, true, ""),
  });

  return {
    work,
    step: (step: string) => show({ step, sinceMs: Date.now() }),
    become,
    refresh,
    plan,
    untilRunning: () => condition(() => view.state === "running"),
    /** As last read. */
    ledger: () => ({
      ledger: ledger === null ? null : ledgerSentence(ledger),
      outcomes: ledger?.outcomes ?? {},
    }),
    isPaused: () => view.state === "paused",
    /** The reason while it waits; null: it does not. */
    waitsBecause: () => (view.state === "waiting" ? view.reason : null),
    wasAsked: () => cancelAskedBy !== null,
    cancelledBy: () => cancelAskedBy ?? "Temporal's own cancel",
    /** From here on nothing can be steered any more. */
    close: () => void (closing = true),
    /** Waits for a person or for something to be freed, unless a person has paused it anyway. */
    wait: (reason: string) =>
      view.state === "paused" ? Promise.resolve() : become("waiting", reason),
    /** Rises whenever a person has released hosts. */
    releases: (): number => releases,
    /** Hosts are in quarantine: waits until a person resumes, or releases one, or has done so since there were so many releases. */
    async waitForPerson(reason: string, since: number): Promise<void> {
      waitsForHosts = releases === since;
      if (!waitsForHosts) return;
      if (view.state !== "paused") await become("waiting", reason);
      show({ step: "waiting for a person", sinceMs: Date.now() });
      const changes = plan.changes();
      // What was left may have been skipped: the plan is looked at again.
      await condition(() => view.state === "running" || plan.changes() !== changes);
      waitsForHosts = view.state !== "running";
    },
    /** Says what it runs without, and what waits for that; null: nothing is missing any more. */
    goOnWithout: (reason: string | null) =>
      view.state === "running" && view.reason !== reason
        ? become("running", reason)
        : Promise.resolve(),
    /** Waits for its turn on the testbed. */
    async queue({ place, heldBy, sinceMs }: QueuePlace): Promise<void> {
      queuedAt = new Date(sinceMs).toISOString();
      show({ step: "waiting in the queue", sinceMs });
      await become("queued", queueWords(place, testbed, heldBy));
    },
    queueMoves: () => queueMoves,
    /** Until the lock says so; asked again now and then, for a holder that died says nothing. */
    untilQueueMoves: (since: number) => condition(() => queueMoves !== since, queueLookInterval),
    goOn: () => (view.state === "waiting" ? become("running", null) : Promise.resolve()),
    /** The element that runs now, how it is held between its trials, and how it is told of a skip. */
    async runs(element: string, { hold, skip }: ElementDoor): Promise<void> {
      holdElement = hold;
      plan.runs(skip);
      show({ element, step: `measuring \`${element}\`` });
      if (view.state !== "running") await hold(true);
    },
    elementEnded(): void {
      holdElement = null;
      plan.ended();
      show({ element: null, step: "between elements" });
    },
  };

  /** A person who lets a campaign go on that waits for mended hosts says that they are mended. */
  async function goOnBy(by: string): Promise<Steered> {
    if (waitsForHosts && view.state === "waiting") await release(null, by);
    return await steer("running", null);
  }

  async function releaseHost(by: string, host: string): Promise<Steered> {
    await release([host], by);
    if (waitsForHosts && view.state === "waiting") return await steer("running", null);
    return { state: view.state };
  }

  async function release(hosts: readonly string[] | null, by: string): Promise<void> {
    const key = `campaign/${campaignId} release ${new Date().toISOString()} ${uuid4()}`;
    const order = { campaignId, testbed, hosts, by, key };
    const summary = `release ${hosts?.join(", ") ?? "the quarantine"}, says ${by}`.slice(0, 180);
    await CancellationScope.nonCancellable(() => act("releaseHosts", { summary })(order));
    releases += 1;
  }

  async function steer(state: CampaignState, reason: string | null): Promise<Steered> {
    const told = become(state, reason);
    await holdElement?.(state !== "running");
    await told;
    return { state: view.state };
  }

  async function cancel(by: string): Promise<Steered> {
    cancelAskedBy = by;
    show({ step: "cutting and restoring the running trial", sinceMs: Date.now() });
    work.cancel();
    await condition(() => stored?.state === "cancelled");
    return { state: "cancelled" };
  }

  function isHeld(): boolean {
    return view.state === "paused" || view.state === "waiting";
  }

  function refuseUnless(by: string, allowed: boolean, why: string): void {
    const refuse = (words: string) => {
      throw ApplicationFailure.nonRetryable(`campaign ${campaignId} ${words}`, "Refused");
    };
    if (typeof by !== "string" || by === "") refuse("is steered by name: say who asks");
    if (cancelAskedBy !== null) refuse(`is being cancelled by ${cancelAskedBy}`);
    if (closing) refuse(closingWords);
    if (!allowed) refuse(why);
  }

  /** Puts the campaign into this state, here and in the store; the newest state wins. */
  async function become(state: CampaignState, reason: string | null): Promise<void> {
    show({ state, reason });
    storing ??= CancellationScope.nonCancellable(store).finally(() => void (storing = null));
    await storing;
  }

  async function store(): Promise<void> {
    while (stored?.state !== view.state || stored.reason !== view.reason) {
      const { state, reason } = view;
      await act("setCampaignState", { summary: `state: ${state}` })(
        campaignId,
        state,
        reason,
        ...(state === "queued" ? [queuedAt] : []),
      );
      stored = { state, reason };
    }
  }

  /** Reads the ledger anew when the one at hand is older than this. */
  async function refresh(olderThanMs: number): Promise<void> {
    if (Date.now() - ledgerMs < olderThanMs) return;
    const read = await act("campaignProgress", { summary: "read the ledger" })(campaignId);
    const done = (of: CampaignProgress | null) =>
      of === null ? 0 : of.valid + of.invalid + of.skipped;
    if (done(read) !== done(ledger) || read.planned !== ledger?.planned)
      upsertSearchAttributes(attributes({ LhDone: done(read), LhPlanned: read.planned }));
    ledger = read;
    ledgerMs = Date.now();
    show({});
  }

  function changed(): Promise<void> {
    return CancellationScope.nonCancellable(() => refresh(0));
  }

  function show(change: Partial<CampaignView>): void {
    view = { ...view, ...change };
    setCurrentDetails(campaignDetails(view, ledger, ledgerMs));
  }
}
