/** The units of a migration with xl, run here: `xl` is a script that behaves as the real one was seen to. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { outcomeOfXl, type XlEnd } from "../../hypervisors/xen-outcome.ts";

const hypervisors = join(import.meta.dirname, "../../hypervisors");
const source = (...files: readonly string[]) =>
  files.map((file) => readFileSync(join(hypervisors, file), "utf8")).join("\n\n");

/** What probes/agent/wrapper.py gives a unit, as far as these use it. */
const stub = `
import json, os, sys

class Unit:
    def emit(self, value):
        print(json.dumps(value), flush=True)

    def stopping(self):
        return False

json.dump(main(json.loads(sys.argv[1]), Unit()), open(sys.argv[2], "w"))
`;

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "longhaul-xen-"))));
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the source's unit with this `xl`; resolves with its result. */
const migrate = async (xl: string, deadlineMs: number): Promise<XlEnd & { phases: unknown[] }> => {
  const path = join(folder, "xl");
  writeFileSync(path, `#!/bin/bash\n${xl}`);
  chmodSync(path, 0o755);
  const args = {
    ...{ guest: "router", relay: "/none", address: "198.19.0.2", port: 8002, deadlineMs },
    ...{ acked: join(folder, "acked"), progress: join(folder, "progress.json") },
    abort: join(folder, "abort"),
  };
  const result = join(folder, "result.json");
  const program = source("xen-unit.py", "xen-migration.py") + stub;
  const child = spawn("python3", ["-c", program, JSON.stringify(args), result], {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    stdio: ["ignore", "ignore", "inherit"],
  });
  expect(await once(child, "exit")).toEqual([0, null]);
  return JSON.parse(readFileSync(result, "utf8")) as XlEnd & { phases: unknown[] };
};

/** Ends as xl 4.17 does when its helper is told to end. */
const abortedByHelper = `
helper=$!
wait $helper
echo "migration sender: libxl_domain_suspend failed (rc=-8)" >&2
echo "Migration failed, failed to suspend at sender." >&2
exit 1
`;

test("a deadline ends the save helper alone, and xl says itself where the guest is", async () => {
  const end = await migrate(
    `trap 'echo killed >&2; exit 143' TERM
     (exec -a libxl-save-helper sleep 60) & ${abortedByHelper}`,
    300,
  );
  expect(end.stderr).not.toContain("killed");
  expect(outcomeOfXl(end)).toEqual({
    status: "cancelled",
    reason: "not completed within 300 ms",
  });
});

test("whoever asks for it by the file ends it in the same way", async () => {
  const end = await migrate(
    `touch ${folder}/abort; (exec -a libxl-save-helper sleep 60) & ${abortedByHelper}`,
    60_000,
  );
  expect(outcomeOfXl(end)).toEqual({ status: "cancelled", reason: "asked to stop" });
});

test("a helper that is started after the deadline is ended then", async () => {
  const end = await migrate(
    `sleep 1; (exec -a libxl-save-helper sleep 60) & ${abortedByHelper}`,
    100,
  );
  expect(outcomeOfXl(end).status).toBe("cancelled");
});

test("xl that still waits for the destination's answer is ended with its transport", async () => {
  const end = await migrate(
    `sleep 60 & wait $!
     echo "libxl: error: x.c:1:f: file/stream truncated reading banner from migration receiver stream" >&2
     exit 1`,
    100,
  );
  expect(outcomeOfXl(end)).toEqual({ status: "cancelled", reason: "not completed within 100 ms" });
});

test("once the destination has the whole guest nothing is ended any more", async () => {
  const end = await migrate(
    `(exec -a libxl-save-helper sleep 3) &
     echo "migration sender: Target has acknowledged transfer." >&2
     sleep 1; echo "Migration successful." >&2`,
    500,
  );
  expect(end.ended).toBe("not completed within 500 ms");
  expect(outcomeOfXl(end)).toEqual({ status: "completed", reason: null });
  expect(end.phases).toMatchObject([{ name: "transfer acknowledged" }]);
});

test("the relay carries both directions and notes what the other end has acknowledged", async () => {
  const received: Buffer[] = [];
  const server = createServer((socket: Socket) => {
    socket.on("data", (chunk: Buffer) => received.push(chunk));
    socket.on("end", () => socket.end("farewell"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const acked = join(folder, "acked");
  const relay = spawn(
    "python3",
    ["-I", "-S", join(hypervisors, "xen-relay.py"), "127.0.0.1", String(port), acked],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const sent = Buffer.alloc(3_000_000, "guest");
  relay.stdin.end(sent);
  let answer = "";
  relay.stdout.setEncoding("utf8").on("data", (text: string) => (answer += text));
  expect(await once(relay, "exit")).toEqual([0, null]);
  server.close();
  expect(Buffer.concat(received).equals(sent)).toBe(true);
  expect(answer).toBe("farewell");
  // The end of the stream counts for one more (tcp_info counts sequence numbers).
  expect(Math.abs(Number(readFileSync(acked, "utf8")) - sent.length)).toBeLessThan(3);
});
