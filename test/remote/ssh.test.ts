/** SSH over a proxy command whose other side ends its output while the command itself lives on. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import ssh2 from "ssh2";
import type { Reach } from "../../model/testbed.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { ssh } from "../../remote/ssh.ts";

const folder = mkdtempSync(join(tmpdir(), "ssh-"));
const key = ssh2.utils.generateKeyPairSync("ed25519");
const publicKey = ssh2.utils.parseKey(key.public);
const fingerprint =
  publicKey instanceof Error
    ? ""
    : createHash("sha256").update(publicKey.getPublicSSH()).digest("base64").replace(/=+$/, "");
let logins = 0;
const server = new ssh2.Server({ hostKeys: [key.private] }, (client) => {
  client.on("error", () => undefined);
  client.on("authentication", (context) => context.accept());
  client.on("session", (accept) =>
    accept().on("exec", (run, _refuse, { command }) => {
      const channel = run();
      if (command === "silence") return;
      channel.exit(0);
      channel.end();
    }),
  );
  client.on("ready", () => (logins += 1));
});
/** Copies both ways; stops telling what the server says once a file is there, and goes on listening. */
const proxy = `
import os, select, socket, sys
server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
speaks = True
while True:
    for ready in select.select([0, server], [], [], 0.02)[0]:
        data = os.read(0, 65536) if ready == 0 else server.recv(65536)
        if not data and ready == 0:
            sys.exit(0)
        if ready == 0:
            server.sendall(data)
        elif speaks and data:
            os.write(1, data)
    if speaks and os.path.exists(sys.argv[2]):
        os.close(1)
        speaks = False
`;
const mute = join(folder, "mute");
let reach: Reach;

beforeAll(async () => {
  writeFileSync(join(folder, "key"), key.private, { mode: 0o600 });
  await new Promise<void>((up) => server.listen(0, "127.0.0.1", up));
  const { port } = server.address() as AddressInfo;
  reach = {
    kind: "proxy",
    command: ["python3", "-c", proxy, String(port), mute],
    user: "root",
    identityFile: join(folder, "key"),
    hostKeySha256: fingerprint,
  };
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

test("what was asked for as the other side fell silent has no exit status, and the next use logs in anew", async () => {
  const link = ssh("A", reach);
  expect(await link.run(["true"], { timeoutMs: 10_000 })).toMatchObject({ exitCode: 0 });
  const waiting = expect(link.run(["silence"], { timeoutMs: 60_000 })).rejects;
  writeFileSync(mute, "");
  await waiting.toThrow(/^A: `silence` over SSH was cut off: the connection closed/);
  rmSync(mute);
  const before = logins;
  expect(await link.run(["true"], { timeoutMs: 10_000 })).toMatchObject({ exitCode: 0 });
  expect(logins).toBe(before + 1);
  link.close();
});

test("a link that ended in the very moment of its use is a break, whatever is asked of it", async () => {
  const client = Object.getPrototypeOf(new ssh2.Client()) as ssh2.Client;
  const link = ssh("A", reach);
  const ended = (["exec", "openssh_forwardOutStreamLocal"] as const).map((verb) =>
    vi.spyOn(client, verb).mockImplementation(() => {
      throw new Error("Not connected");
    }),
  );
  await expect(link.run(["true"], { timeoutMs: 10_000 })).rejects.toThrow(NoExitStatus);
  await expect(link.socket("/run/a.sock")).rejects.toThrow(NoExitStatus);
  for (const one of ended) one.mockRestore();
  link.close();
});
