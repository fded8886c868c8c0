import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** PID 1 of a plain container: it waits for the one program it was made for. */
const firstProcess = `
import os, sys
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status = os.waitpid(child, 0)
os._exit(os.waitstatus_to_exitcode(status))`;

test("a lab comes up again and goes down where PID 1 never reaps what was killed", () => {
  const said = execFileSync(
    "unshare",
    [
      ...["--pid", "--fork", "--mount-proc", "--kill-child"],
      ...[
        "python3",
        "-c",
        firstProcess,
        process.execPath,
        join(import.meta.dirname, "unreaped.ts"),
      ],
    ],
    { encoding: "utf8", timeout: 100_000 },
  );
  expect(JSON.parse(said)).toEqual({ killed: true, damaged: "damaged", again: "up", left: 0 });
});
