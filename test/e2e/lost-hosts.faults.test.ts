import { lostHosts } from "./fault-cases.ts";
import { faultSuite } from "./faults-suite.ts";

faultSuite("e2e-faults-lost-hosts", lostHosts, { attemptLimit: 1, windowMs: 4000 });
