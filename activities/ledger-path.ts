import type { LedgerPath } from "../model/measurement.ts";
import type { Testbed } from "../model/testbed.ts";
import { endNic } from "./flow.ts";

/** The driver's path with the ends joined on: source NIC → host NIC in → … → host NIC out → sink NIC. */
export function wholePath(testbed: Testbed, driver: LedgerPath): LedgerPath {
  const source = { host: "A", device: endNic(testbed, "A").device };
  const sink = { host: "B", device: endNic(testbed, "B").device };
  return {
    points: [
      { place: "source NIC", ...source, counter: "txFrames" },
      ...driver.points,
      { place: "sink NIC", ...sink, counter: "rxFrames" },
    ],
    drops: [
      { place: "source NIC", ...source, counter: "txDropped" },
      { place: "source NIC queue", ...source, counter: "qdisc" },
      ...driver.drops,
      { place: "sink NIC", ...sink, counter: "rxDropped" },
      { place: "sink NIC missed", ...sink, counter: "rxMissed" },
    ],
  };
}
