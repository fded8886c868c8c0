import { reachable } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";

faultSuite("e2e-faults-forwarding", { forwarding: reachable.forwarding });
