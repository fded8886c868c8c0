/** A command whose standard streams carry a connection, as OpenSSH's ProxyCommand. */
import { spawn } from "node:child_process";
import { Duplex } from "node:stream";

export interface Proxy {
  readonly stream: Duplex;
  /** The last of what it wrote to standard error. */
  errors(): string;
  /** It has ended, and all that it wrote is known. */
  readonly ended: Promise<void>;
  /** Ends its input; kills its process group when it has not ended a second later. */
  close(): void;
}

const errorsKeptBytes = 4_096;

export const openProxy = (command: readonly string[]): Proxy => {
  const [program = "", ...args] = command;
  // A group of its own: Ctrl-C at a terminal is not meant for it, and `close` reaches all of it.
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  let errors = "";
  let over = false;
  child.stderr.on("data", (chunk: Buffer) => {
    errors = (errors + chunk.toString("utf8")).slice(-errorsKeptBytes);
  });
  child.on("error", (error) => {
    over = true;
    errors += `${error.message}\n`;
    stream.destroy(error);
  });
  child.on("exit", () => {
    over = true;
    stream.destroy();
  });
  // Whoever reads the stream hears of its end; an unheard error would end this process.
  stream.on("error", () => undefined);

  const ended = new Promise<void>((settle) => child.once("close", () => settle()));

  return {
    stream,
    ended,
    errors: () => errors.trim(),
    close: () => {
      child.stdin.destroy();
      if (over || child.pid === undefined) return;
      const group = -child.pid;
      const timer = setTimeout(() => {
        if (!over) process.kill(group, "SIGKILL");
      }, 1_000);
      timer.unref();
      child.on("exit", () => clearTimeout(timer));
    },
  };
};
