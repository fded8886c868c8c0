import { contract } from "./contract.ts";

contract("xen-pvh", { machines: { bootProfile: "xen" }, patience: 8, crawlMbps: 2 });
