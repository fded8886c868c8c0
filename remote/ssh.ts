/**
 * One SSH connection to a host, over TCP or over the standard streams of a proxy command (OpenSSH's
 * ProxyCommand). Kept open; a break is found by keepalives within 15 s, and mended by the next use.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "ssh2";
import type { ClientChannel, ConnectConfig } from "ssh2";
import type { Reach } from "../model/testbed.ts";
import { openProxy } from "./proxy-command.ts";
import type { Proxy } from "./proxy-command.ts";
import { shellWord } from "./shell-word.ts";
import { NoExitStatus } from "./shell.ts";
import type { CommandResult } from "./shell.ts";

export interface Ssh {
  /** Runs a command through the host's login shell, `stdin` fed to it. A non-zero exit is a result. @throws {NoExitStatus} */
  run(
    argv: readonly string[],
    options: { stdin?: string; timeoutMs: number },
  ): Promise<CommandResult>;
  /** A stream to a Unix socket of the host; null when nothing listens there. @throws {NoExitStatus} the host cannot be reached. */
  socket(path: string): Promise<Duplex | null>;
  close(): void;
}

export interface SshOptions {
  /** From the first byte to the end of the login. */
  readonly connectTimeoutMs?: number;
}

/** For the words of a proxy command that has failed. */
const lastWordsMs = 500;

interface Login {
  readonly client: Client;
  readonly proxy: Proxy | null;
  alive: boolean;
}

export const ssh = (host: string, reach: Reach, options: SshOptions = {}): Ssh => {
  const connectTimeoutMs = options.connectTimeoutMs ?? 15_000;
  let login: Login | null = null;
  let opening: Promise<Login> | null = null;

  const connected = async (): Promise<Client> => {
    if (login?.alive) return login.client;
    opening ??= logIn(host, reach, connectTimeoutMs)
      .then((fresh) => (login = fresh))
      .finally(() => (opening = null));
    return (await opening).client;
  };

  return {
    run: async (argv, { stdin, timeoutMs }) => {
      const client = await connected();
      return runOn(host, client, argv, stdin, timeoutMs);
    },
    socket: async (path) => {
      const client = await connected();
      return new Promise((resolve, reject) => {
        const broke = (cause?: unknown) => {
          quiet();
          reject(new NoExitStatus(`${host}: SSH closed while opening ${path}`, { cause }));
        };
        const quiet = onceCut(client, broke);
        orBroken(broke, () =>
          client.openssh_forwardOutStreamLocal(path, (error, channel) => {
            quiet();
            // The server refuses the channel where nothing listens; it says no more than that.
            resolve(error ? null : channel);
          }),
        );
      });
    },
    close: () => {
      const end = (open: Login) => {
        open.client.end();
        open.proxy?.close();
      };
      if (login !== null) end(login);
      opening?.then(end, () => undefined); // whoever asked for it is told
      login = null;
    },
  };
};

const logIn = async (host: string, reach: Reach, timeoutMs: number): Promise<Login> => {
  const where = reach.kind === "ssh" ? `${reach.address}:${reach.port}` : reach.command.join(" ");
  const failure = (what: string, cause?: unknown) =>
    new NoExitStatus(`${host}: SSH to ${reach.user} at \`${where}\` ${what}`, { cause });
  const privateKey = await readFile(reach.identityFile).catch((error: unknown) => {
    throw failure(`needs the key ${reach.identityFile}, which cannot be read`, error);
  });
  const proxy = reach.kind === "proxy" ? openProxy(reach.command) : null;
  const client = new Client();
  let offered = "";
  const config: ConnectConfig = {
    username: reach.user,
    privateKey,
    hostVerifier: (key: Buffer) => {
      offered = fingerprint(key);
      return offered === normalFingerprint(reach.hostKeySha256);
    },
    readyTimeout: timeoutMs,
    keepaliveInterval: 5_000,
    keepaliveCountMax: 3,
    ...(proxy === null
      ? { host: (reach as { address: string }).address, port: (reach as { port: number }).port }
      : { sock: proxy.stream }),
  };
  const login: Login = { client, proxy, alive: true };
  return new Promise((resolve, reject) => {
    let refused = false;
    const refuse = async (what: string, cause?: unknown) => {
      if (refused) return;
      refused = true;
      login.alive = false;
      // A proxy that failed closes its output first, and says why a moment later.
      if (proxy !== null) await Promise.race([proxy.ended, delay(lastWordsMs)]);
      client.destroy();
      proxy?.close();
      const said = proxy?.errors() ?? "";
      reject(failure(said === "" ? what : `${what}\nthe proxy command says:\n${said}`, cause));
    };
    const timer = setTimeout(() => void refuse(`gave no login within ${timeoutMs} ms`), timeoutMs);
    client.on("ready", () => {
      clearTimeout(timer);
      resolve(login);
    });
    client.on("error", (error) => {
      clearTimeout(timer);
      const wrongKey = offered !== "" && offered !== normalFingerprint(reach.hostKeySha256);
      void refuse(
        wrongKey
          ? `showed the host key ${offered}, the testbed file expects ${reach.hostKeySha256}`
          : `failed: ${error.message}`,
        error,
      );
    });
    onceCut(client, () => {
      clearTimeout(timer);
      void refuse("closed before the login was done");
    });
    client.connect(config);
  });
};

/**
 * Nothing more can come once the other side has ended its output, though the connection's own end may
 * wait for a proxy command that lives on. Answers with what takes the listener off.
 */
const onceCut = (client: Client, act: () => void): (() => void) => {
  client.once("end", act).once("close", act);
  return () => client.off("end", act).off("close", act);
};

/** ssh2 throws at once where its stream cannot be written to any more (1.17: "Not connected"). */
const orBroken = (broke: (cause: unknown) => void, act: () => void): void => {
  try {
    act();
  } catch (error) {
    broke(error);
  }
};

/** As `ssh-keygen -lf` prints it. */
const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
const normalFingerprint = (text: string): string =>
  `SHA256:${text.replace(/^SHA256:/, "").replace(/=+$/, "")}`;

const runOn = (
  host: string,
  client: Client,
  argv: readonly string[],
  stdin: string | undefined,
  timeoutMs: number,
): Promise<CommandResult> => {
  const begun = performance.now();
  const command = argv.map(shellWord).join(" ");
  return new Promise((resolve, reject) => {
    const fail = (what: string, cause?: unknown) => {
      clearTimeout(timer);
      quiet();
      reject(new NoExitStatus(`${host}: \`${command}\` over SSH ${what}`, { cause }));
    };
    const broke = (cause?: unknown) => fail("was cut off: the connection closed", cause);
    const quiet = onceCut(client, broke);
    let channel: ClientChannel | null = null;
    const timer = setTimeout(() => {
      channel?.close();
      fail(`gave no exit status within ${timeoutMs} ms`);
    }, timeoutMs);
    const begin = (error: Error | undefined, opened: ClientChannel) => {
      if (error) {
        fail(`was not started: ${error.message}`, error);
        return;
      }
      channel = opened;
      const out: Buffer[] = [];
      const errors: Buffer[] = [];
      opened.on("data", (chunk: Buffer) => out.push(chunk));
      opened.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
      opened.on("close", (code: number | null | undefined) => {
        if (typeof code !== "number") {
          fail("ended without an exit status");
          return;
        }
        clearTimeout(timer);
        quiet();
        resolve({
          exitCode: code,
          stdout: Buffer.concat(out).toString("utf8"),
          stderr: Buffer.concat(errors).toString("utf8"),
          durationMs: performance.now() - begun,
        });
      });
      opened.end(stdin ?? "");
    };
    orBroken(broke, () => client.exec(command, begin));
  });
};
