import { contract } from "./contract.ts";

contract("kvm-e1000");
