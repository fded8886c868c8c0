/** `node unreaped.ts`: a lab up, all of it killed at once, and down; prints what was left of it. For a machine whose PID 1 reaps nobody. */
import { labDown, labStatus } from "../../lab/lab.ts";
import { labMark } from "../../lab/namespace-host.ts";
import { killAll, processesMarked } from "../../lab/processes.ts";
import { bareFile, testState, upLab } from "./own-lab.ts";

const state = testState("unreaped");
await upLab(state, bareFile);
const marked = processesMarked(labMark(state));
killAll(marked);
const damaged = labStatus(state).status;
await upLab(state, bareFile);
const again = labStatus(state).status;
await labDown(state);
const left = processesMarked(labMark(state)).length;
console.log(JSON.stringify({ killed: marked.length > 0, damaged, again, left }));
