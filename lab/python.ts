import { existsSync } from "node:fs";

/** The system's Python if there is one: a version manager's shim takes longer than what it runs. */
export const python = (): string =>
  existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";
