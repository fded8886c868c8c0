/** What a worker registers: the workflow types, by name. */
export { campaign } from "./campaign.ts";
export { forwardingSweep } from "./forwarding-sweep.ts";
export { migrationTrial } from "./migration-trial.ts";
export { recovery } from "./recovery.ts";
export { testbedLock } from "./testbed-lock.ts";
