/** `node undo-later.ts STATE-AS-JSON FAULT-ID`: undoes a fault when its time is over, whoever has died meanwhile. */
import { setTimeout as delay } from "node:timers/promises";
import type { LabState } from "../records.ts";
import { readFaults } from "./records.ts";
import { undoFault } from "./undo.ts";

const [stateJson = "", id = ""] = process.argv.slice(2);
const state = JSON.parse(stateJson) as LabState;
const find = () => readFaults(state).find((record) => record.id === id);
const untilAt = find()?.untilAt;
if (untilAt != null) {
  await delay(Math.max(0, Date.parse(untilAt) - Date.now()));
  // Cleared by hand before: nothing is left to do.
  const record = find();
  if (record) await undoFault(state, record);
}
