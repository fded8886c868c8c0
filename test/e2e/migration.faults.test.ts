import { reachable } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";

faultSuite("e2e-faults-migration", { migration: reachable.migration });
