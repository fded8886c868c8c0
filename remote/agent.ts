/**
 * A host through its agent: one long-lived Python process per host, started over SSH, spoken to over
 * a Unix socket of that host. Reading needs nothing; every changing act carries a token and the boot
 * id that the caller expects, and the host refuses a lower token or another boot id (`Fenced`).
 */
import type { ClockOffset, CounterSnapshot } from "../model/measurement.ts";
import type { CommandResult } from "./shell.ts";

/** What a changing act must show. `bootIds` by host name. */
export interface Fence {
  readonly token: number;
  readonly bootIds: Readonly<Record<string, string>>;
}

export interface HostIdentity {
  readonly host: string;
  readonly bootId: string;
  readonly kernel: string;
  readonly python: string;
  readonly agentVersion: string;
  /** Highest token this boot of the host has seen. */
  readonly token: number;
}

/** A program of a unit: a command, or Python source that the agent runs in a fork of itself. */
export type UnitProgram =
  | { readonly kind: "command"; readonly argv: readonly string[] }
  | {
      readonly kind: "python";
      /** Defines `main(args, unit)`; `unit.emit(obj)` writes one JSON line to the unit's log, `unit.stopping()` tells that it should end, the returned value is the unit's result. */
      readonly source: string;
      readonly args: unknown;
    };

export interface UnitOrder {
  /** `[A-Za-z0-9._-]+`, unique on the host and boot. Starting a name again returns the unit that exists. */
  readonly name: string;
  readonly program: UnitProgram;
  /** The unit is killed, whoever is still there, when it has run this long. */
  readonly deadlineMs: number;
}

export interface UnitState {
  readonly name: string;
  readonly token: number;
  /** `lost`: of an earlier boot, or its record ends without an end. Never started again. */
  readonly status: "running" | "ended" | "stopped" | "deadline" | "lost";
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly startedUs: number;
  readonly endedUs: number | null;
  readonly deadlineUs: number;
}

export interface UnitOutput {
  readonly state: UnitState;
  /** What `main` of a python unit returned; null for a command or while it runs. */
  readonly result: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Agent {
  readonly host: string;
  identity(): Promise<HostIdentity>;
  /** Offset of the host's monotonic clock to this machine's wall clock, by the fastest of a few round trips. */
  clock(): Promise<ClockOffset>;
  /** Runs a command that changes nothing. A non-zero exit is a result. @throws {NoExitStatus} */
  read(argv: readonly string[], options?: { timeoutMs?: number }): Promise<CommandResult>;
  /** Contents by path; null for a file that is not there. */
  readFiles(paths: readonly string[]): Promise<Readonly<Record<string, string | null>>>;
  counters(): Promise<CounterSnapshot>;
  /** By interface, then by the name that ethtool(8) prints; null where the driver does not tell. */
  offloads(
    devices: readonly string[],
  ): Promise<Readonly<Record<string, Readonly<Record<string, boolean | null>>>>>;

  /** Raises the host's highest token; every lower token is refused from then on. */
  raise(fence: Fence): Promise<void>;
  /** Runs a changing command to its end. A non-zero exit is a result. @throws {NoExitStatus} @throws {Fenced} */
  act(
    fence: Fence,
    argv: readonly string[],
    options?: { timeoutMs?: number; stdin?: string },
  ): Promise<CommandResult>;
  /** Speaks to a line-based Unix socket: sends each line, waits for a line that `until` (a regular expression) matches. Used for QMP and consoles. @throws {NoExitStatus} */
  converse(
    fence: Fence | null,
    socket: string,
    exchange: readonly { readonly send: string | null; readonly until: string }[],
    options?: { timeoutMs?: number },
  ): Promise<readonly string[]>;
  /** Idempotent by name. @throws {Fenced} */
  startUnit(fence: Fence, order: UnitOrder): Promise<UnitState>;
  /** null: no such unit on this host. */
  unit(name: string): Promise<UnitState | null>;
  units(): Promise<readonly UnitState[]>;
  /** Log lines (JSON) that a python unit emitted from line `from` on, as they come, until it ended. */
  followUnit(name: string, from?: number): AsyncIterable<unknown>;
  /** Resolves when the unit has ended, however. @throws {NoExitStatus} after `timeoutMs`. */
  waitUnit(name: string, options: { timeoutMs: number }): Promise<UnitOutput>;
  /** Asks the unit to end (SIGTERM), kills its process group after `graceMs`, answers when it is gone. Idempotent. */
  stopUnit(fence: Fence, name: string, options?: { graceMs?: number }): Promise<UnitOutput>;
  /** Ends every running unit with a token lower than the fence's and removes ended units' folders. */
  sweepUnits(fence: Fence): Promise<void>;
}

/** Connections to the hosts of one testbed, opened when first used and kept. */
export interface Hosts {
  /** @throws {NoExitStatus} when the host cannot be reached within its deadline. */
  agent(host: string): Promise<Agent>;
  close(): Promise<void>;
}
