/** Every command of the program, in the order of the help, and the file that holds it. */
import type { Command } from "commander";

/** Adds one command to the program. Each command file exports one of these, named after its command. */
export type AddCommand = (program: Command) => void;

/** The files are imported on demand: `status` starts without loading the lab, the report or Temporal. */
export const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  doctor: async () => (await import("./doctor.ts")).doctorCommand,
  setup: async () => (await import("./setup.ts")).setupCommand,
  up: async () => (await import("./up.ts")).upCommand,
  down: async () => (await import("./down.ts")).downCommand,
  logs: async () => (await import("./logs.ts")).logsCommand,
  lab: async () => (await import("./lab.ts")).labCommand,
  plan: async () => (await import("./plan.ts")).planCommand,
  run: async () => (await import("./run.ts")).runCommand,
  status: async () => (await import("./status.ts")).statusCommand,
  trials: async () => (await import("./trials.ts")).trialsCommand,
  trial: async () => (await import("./trial.ts")).trialCommand,
  pause: async () => (await import("./steer.ts")).pauseCommand,
  resume: async () => (await import("./steer.ts")).resumeCommand,
  release: async () => (await import("./steer.ts")).releaseCommand,
  skip: async () => (await import("./skip.ts")).skipCommand,
  extend: async () => (await import("./extend.ts")).extendCommand,
  cancel: async () => (await import("./steer.ts")).cancelCommand,
  report: async () => (await import("./report.ts")).reportCommand,
  delete: async () => (await import("./delete.ts")).deleteCommand,
  schema: async () => (await import("./schema.ts")).schemaCommand,
  demo: async () => (await import("./demo.ts")).demoCommand,
};
