/** The program `longhaul`; `bin/longhaul` starts it on the pinned Node. */
import { runProgram } from "./program.ts";
import { packageVersion } from "../services/version.ts";

// `longhaul trials x | head` closes the pipe early: that is the reader's wish, not a failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2), undefined, packageVersion());
