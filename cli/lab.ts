/** `longhaul lab …`: the embedded testbed, for people. Needs no token and no Temporal; says whom it disturbs. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { labExec } from "../lab/exec.ts";
import { labBoots, labClean, labDown, labPower, labStatus, labUp } from "../lab/lab.ts";
import type { LabFile } from "../model/testbed-file.ts";
import { parseTestbed } from "../model/testbed-schema.ts";
import { hostNames, type HostName } from "../model/testbed.ts";
import { UsageError } from "../model/usage-error.ts";
import { type StateFolder, stateFolder } from "../services/state-folder.ts";
import { setWanted } from "../services/wanted.ts";
import { labReady } from "./bring-up.ts";
import { nameDisturbed, recordDisturbance } from "./disturbed.ts";
import { labFaultCommand } from "./lab-fault.ts";
import { interruptible } from "./interrupt.ts";
import { labStatusText } from "./lab-text.ts";
import { say } from "./say.ts";
import { storeExists, withStore } from "./store-access.ts";
import { inTurn } from "./turn.ts";

interface LabOptions {
  readonly state?: string;
  readonly json?: boolean;
  readonly testbed?: string;
  readonly boot?: string;
}

const log = say;
const tell = (value: unknown, options: LabOptions): void => {
  if (options.json === true) process.stdout.write(`${JSON.stringify(value)}\n`);
};

export function labCommand(program: Command): void {
  const lab = program.command("lab").description("the embedded testbed on this machine");
  lab
    .command("up")
    .description("start hosts, wires and guest image; prove the accelerator; calibrate")
    .option("--testbed <file>", "testbed file (default: testbeds/lab.yaml)")
    .action(up);
  lab
    .command("down")
    .description("end every host and process of the lab, also after a crash; leaves nothing")
    .action(down);
  lab.command("status").description("hosts, power, accelerator").action(status);
  lab
    .command("exec")
    .description("run a command on a host: lab exec R1 -- ip -br link")
    .argument("<host>", hostNames.join(", "))
    .argument("<command...>", "after --")
    .action(exec);
  lab
    .command("power")
    .description("a host's power: on, off, cycle, status")
    .argument("<host>", hostNames.join(", "))
    .argument("<action>", powerActions.join(", "))
    .option("--boot <profile>", "cycle: what a machine boots then: linux, xen")
    .action(power);
  lab
    .command("clean")
    .description("down, and throw away the lab's downloads and images")
    .action(clean);
  labFaultCommand(lab);
}

async function up(options: LabOptions): Promise<void> {
  const { path, file } = labFileOf(options.testbed);
  const state = stateFolder(options.state);
  const goesOn =
    "what there is of the lab stays; `longhaul lab up` goes on from here, `longhaul lab down` ends it";
  const prepare = async () => {
    const disturbed = await nameDisturbed(state);
    await labUp(state, file, { log });
    setWanted(state, { lab: path, calibration: true });
    if (disturbed.length > 0) log("not calibrated anew: a campaign measures on this lab");
    else if (storeExists(state))
      await withStore(state, (store) =>
        labReady(state, { testbed: file, testbedPath: path }, store, { log, calibrate: true }),
      );
    else log("not calibrated yet: the first campaign makes the store and calibrates");
  };
  await interruptible(goesOn, () => inTurn(state, log, prepare));
  tell(labStatus(state), options);
  log(labStatusText(labStatus(state)));
}

async function down(options: LabOptions): Promise<void> {
  const state = stateFolder(options.state);
  await interruptible(
    "what is left of the lab is still there; `longhaul lab down` goes on from here",
    async () => {
      await nameDisturbed(state);
      await labDown(state, log);
      setWanted(state, { lab: null, calibration: false });
    },
  );
  tell(labStatus(state), options);
  log(`nothing of the lab ${state.id} is left on this machine`);
}

function status(options: LabOptions): void {
  const found = labStatus(stateFolder(options.state));
  if (options.json === true) tell(found, options);
  else process.stdout.write(`${labStatusText(found)}\n`);
}

async function exec(name: string, argv: readonly string[], options: LabOptions): Promise<void> {
  const host = hostNamed(name);
  process.exitCode = await labExec(labThatIsUp(options), host, argv);
}

const powerActions = ["on", "off", "cycle", "status"] as const;

async function power(name: string, action: string, options: LabOptions): Promise<void> {
  const host = hostNamed(name);
  const known = powerActions.find((one) => one === action);
  if (!known)
    throw new UsageError(
      `power: ${JSON.stringify(action)} is unknown; known ones: ${powerActions.join(", ")}`,
    );
  if (options.boot !== undefined && known !== "cycle")
    throw new UsageError(`--boot: a machine is booted anew by cycle, not by ${known}`);
  const state = labThatIsUp(options);
  const button = labPower(state);
  if (known !== "status") {
    const disturbs = await nameDisturbed(state);
    const at = new Date().toISOString();
    if (options.boot === undefined) await button[known](host);
    else await labBoots(state).boot(host, options.boot);
    const fault = `power-${known}`;
    const detail = `the power of ${host}: ${known}`;
    if (disturbs.length > 0)
      await recordDisturbance(state, {
        id: `${fault} ${at}`,
        fault,
        host,
        detail,
        at,
        untilAt: null,
      });
  }
  const now = await button.state(host);
  tell({ host, power: now }, options);
  if (options.json !== true) process.stdout.write(`${host} is ${now}\n`);
}

async function clean(options: LabOptions): Promise<void> {
  const state = stateFolder(options.state);
  await down(options);
  labClean(state);
  log(`removed the lab's downloads and images in ${state.cache}`);
}

function hostNamed(name: string): HostName {
  const host = hostNames.find((known) => known === name);
  if (!host)
    throw new UsageError(
      `host ${JSON.stringify(name)} is unknown; known ones: ${hostNames.join(", ")}`,
    );
  return host;
}

function labThatIsUp(options: LabOptions): StateFolder {
  const state = stateFolder(options.state);
  if (labStatus(state).status === "down")
    throw new UsageError(`${state.path}: no lab is up here; \`longhaul lab up\` brings one up`);
  return state;
}

function labFileOf(testbed: string | undefined): { path: string; file: LabFile } {
  const path = resolve(testbed ?? join(dirname(import.meta.dirname), "testbeds/lab.yaml"));
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new UsageError(`testbed file ${path} cannot be read; give the path of a YAML file`, {
      cause,
    });
  }
  const file = parseTestbed(text, testbed ?? path);
  if (file.kind !== "lab")
    throw new UsageError(`${path}: kind: "${file.kind}" is no lab; \`lab up\` takes kind: lab`);
  return { path, file };
}
