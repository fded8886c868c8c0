import { contract } from "./contract.ts";

contract("kvm-virtio");
