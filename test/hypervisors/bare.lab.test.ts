import { contract } from "./contract.ts";

contract("bare");
