/** What a fault is to the lab: a look first, then the act, with everything that undoes it known before. */
import type { FaultOrder } from "../../model/fault.ts";
import type { HostName } from "../../model/testbed.ts";
import type { ProcessRecord } from "../processes.ts";
import type { HostRecord, LabRecord, LabState, Place } from "../records.ts";

/** Data, so that any process can undo a fault, also after the one that made it has died. */
export type Undo =
  | { readonly kind: "continue"; readonly processes: readonly ProcessRecord[] }
  | { readonly kind: "end"; readonly processes: readonly ProcessRecord[] }
  /** In the network namespace of the wires. May be repeated. */
  | { readonly kind: "wires"; readonly argv: readonly string[] }
  /** A line of shell in the guest, wherever it runs by then; nothing where it runs no more. */
  | { readonly kind: "guest"; readonly script: string }
  /** Only a guest that is still paused: one that moved away meanwhile must not run twice. */
  | { readonly kind: "resume"; readonly qemu: ProcessRecord }
  | { readonly kind: "power-on"; readonly host: HostName }
  | { readonly kind: "remove"; readonly path: string };

export interface FaultPlace {
  readonly state: LabState;
  readonly lab: LabRecord & { readonly hosts: LabRecord["hosts"] };
  readonly order: FaultOrder;
}

export interface ReadyFault {
  /** null: no host of its own. */
  readonly host: HostName | null;
  readonly detail: string;
  readonly undo: readonly Undo[];
  /** Makes it real. What it returns undoes what was not known before. */
  make(): Promise<readonly Undo[]>;
}

/** Looks whom it would hit. Changes nothing yet. @throws {Error} there is nobody */
export type Fault = (place: FaultPlace) => Promise<ReadyFault>;

/** @throws {Error} it has no power */
export const liveHost = (lab: LabRecord, place: Place): HostRecord => {
  const host = lab.hosts[place];
  if (!host) throw new Error(`${place}: powered off, so no fault can hit it`);
  return host;
};

export const nothingMore = (): readonly Undo[] => [];
