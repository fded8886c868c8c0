/** `longhaul lab fault …`: makes real faults on the lab, for people. Needs no token; says whom it disturbs. */
import type { Command } from "commander";
import { activeFaults, clearFaults, makeFault } from "../lab/faults/faults.ts";
import { labStatus } from "../lab/lab.ts";
import {
  factsOf,
  faultNames,
  type FaultName,
  type FaultOrder,
  type MadeFault,
} from "../model/fault.ts";
import { hostNames, segmentNames, type LinkName } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import { stateFolder, type StateFolder } from "../services/state-folder.ts";
import { nameDisturbed, recordDisturbance } from "./disturbed.ts";
import { inTheirWords } from "./say.ts";

interface FaultOptions {
  readonly state?: string;
  readonly json?: boolean;
  readonly for?: string;
  readonly link?: string;
  readonly mbps?: string;
  readonly loss?: string;
  readonly mib?: string;
}

const links: readonly LinkName[] = [...segmentNames, "migration"];

export function labFaultCommand(lab: Command): void {
  lab
    .command("fault")
    .description("make a real fault: fault list; fault link-cut --for 5000; fault clear")
    .argument("<name>", "list, clear, or a fault's name as `list` shows it")
    .argument("[host]", `${hostNames.join(", ")}; default: where the guest runs, or R1`)
    .option("--for <ms>", "undo it by itself after this time (default: it stays until `clear`)")
    .option("--link <link>", `a link's fault: ${links.join(", ")} (default: migration)`)
    .option("--mbps <rate>", "link-slow: what the link still passes (default: 5)")
    .option("--loss <ratio>", "link-loss: share of frames dropped (default: 0.1)")
    .option("--mib <size>", "guest-dirty: memory written again and again (default: 96)")
    .action(fault);
}

async function fault(name: string, host: string | undefined, options: FaultOptions): Promise<void> {
  const known = faultNames.find((one) => one === name);
  if (!known && name !== "list" && name !== "clear")
    throw new UsageError(
      `fault ${JSON.stringify(name)} is unknown; known ones: ${faultNames.join(", ")}; and list, clear`,
    );
  const state = stateFolder(options.state);
  if (name === "list") return list(state, options);
  if (labStatus(state).status === "down")
    throw new UsageError(`${state.path}: no lab is up here; \`longhaul lab up\` brings one up`);
  if (!known) return clear(state, options);
  const order = orderOf(known, host, options);
  const disturbs = await nameDisturbed(state);
  const made = await makeFault(state, order);
  if (disturbs.length > 0) await recordDisturbance(state, made);
  if (options.json === true) tell({ ...made, disturbs });
  else process.stdout.write(inTheirWords(`${made.fault}: ${made.detail}${lasting(made)}\n`));
}

function list(state: StateFolder, options: FaultOptions): void {
  const active = activeFaults(state);
  const known = faultNames.map((fault) => ({ fault, ...factsOf(fault) }));
  if (options.json === true) return tell({ faults: known, active });
  const width = Math.max(...faultNames.map((fault) => fault.length));
  for (const { fault, does, undoable, expected } of known) {
    process.stdout.write(`${fault.padEnd(width)}  ${does}${undoable ? "" : " (for good)"}\n`);
    process.stdout.write(`${" ".repeat(width)}  → ${expected}\n`);
  }
  process.stdout.write(active.length === 0 ? "no fault is active\n" : "active now:\n");
  for (const made of active)
    process.stdout.write(
      inTheirWords(`  ${made.fault} since ${made.at}: ${made.detail}${lasting(made)}\n`),
    );
}

async function clear(state: StateFolder, options: FaultOptions): Promise<void> {
  const cleared = await clearFaults(state);
  if (options.json === true) return tell({ cleared });
  if (cleared.length === 0) process.stdout.write("no fault was active\n");
  for (const { fault, detail } of cleared) process.stdout.write(`undone: ${fault}: ${detail}\n`);
}

const tell = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

function lasting({ untilAt, undoable }: MadeFault): string {
  if (untilAt !== null) return `, until ${untilAt}`;
  return undoable ? "; `longhaul lab fault clear` undoes it" : "; nothing undoes it";
}

function orderOf(fault: FaultName, host: string | undefined, options: FaultOptions): FaultOrder {
  const facts = factsOf(fault);
  const hosts = facts.at === "guest" ? (["R1", "R2"] as const) : hostNames;
  const named = host === undefined ? null : hosts.find((one) => one === host);
  if (named === undefined)
    throw new UsageError(
      `${fault}: host ${JSON.stringify(host)} is unknown or has no guest; known ones: ${hosts.join(", ")}`,
    );
  if (named !== null && (facts.at === "link" || facts.at === "state"))
    throw new UsageError(`${fault} takes no host, it hits a ${facts.at}; leave ${named} away`);
  if (options.for !== undefined && !facts.undoable)
    throw new UsageError(`--for: ${fault} cannot be undone, so it takes no time to last`);
  const link = links.find((one) => one === options.link);
  if (options.link !== undefined && link === undefined)
    throw new UsageError(
      `--link ${JSON.stringify(options.link)} is unknown; known ones: ${links.join(", ")}`,
    );
  return {
    fault,
    host: named,
    forMs: number("--for", options.for, [1, 86_400_000], "milliseconds"),
    link: link ?? null,
    mbps: number("--mbps", options.mbps, [0.01, 100_000], "Mbit/s"),
    lossRatio: number("--loss", options.loss, [0.0001, 1], "a ratio"),
    mib: number("--mib", options.mib, [8, 1_048_576], "MiB"),
  };
}

function number(
  flag: string,
  given: string | undefined,
  [from, to]: readonly [number, number],
  unit: string,
): number | null {
  if (given === undefined) return null;
  const value = Number(given);
  if (given.trim() === "" || !(value >= from && value <= to))
    throw new UsageError(
      `${flag} ${JSON.stringify(given)}: expected a number (${unit}) from ${from} to ${to}`,
    );
  return value;
}
