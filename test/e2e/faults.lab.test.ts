/** One fault of each outcome, from a campaign's file to the health of the trial after it. */
import { oneOfEach } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";

faultSuite("e2e-faults", oneOfEach, { attemptLimit: 1, windowMs: 3000 });
