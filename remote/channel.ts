/**
 * JSON lines with request ids over one stream. A channel dies once, with its stream: every request
 * that waits is then rejected with `NoExitStatus`, for nobody knows whether the host acted on it.
 */
import type { Duplex } from "node:stream";
import { Fenced, NoExitStatus } from "./shell.ts";

export interface Channel {
  /** @throws {NoExitStatus} after `timeoutMs`, on a broken stream, or when the host says so. @throws {Fenced} */
  request(verb: string, args: unknown, timeoutMs: number): Promise<unknown>;
  /** Lines of one answer as they come. `null` timeout: for as long as the stream lives. */
  lines(verb: string, args: unknown): AsyncIterable<unknown>;
  readonly alive: boolean;
  close(): void;
}

interface Answer {
  readonly id: number;
  readonly ok?: unknown;
  readonly line?: unknown;
  readonly error?: { readonly kind: string; readonly message: string };
}

interface Waiting {
  readonly line: (value: unknown) => void;
  readonly done: (value: unknown) => void;
  readonly failed: (error: Error) => void;
}

export const openChannel = (host: string, stream: Duplex): Channel => {
  const waiting = new Map<number, Waiting>();
  let count = 0;
  let broken: Error | null = null;
  let parts: Buffer[] = [];

  const fail = (reason: string, cause?: unknown) => {
    if (broken !== null) return;
    broken = new NoExitStatus(`${host}: the connection to the agent ${reason}`, { cause });
    for (const one of waiting.values()) one.failed(broken);
    waiting.clear();
    stream.destroy();
  };

  const handle = (text: string) => {
    const answer = JSON.parse(text) as Answer;
    const one = waiting.get(answer.id);
    if (one === undefined) return; // its caller gave up waiting
    if (answer.error !== undefined) one.failed(errorOf(host, answer.error));
    else if ("line" in answer) one.line(answer.line);
    else one.done(answer.ok);
  };

  stream.on("data", (chunk: Buffer) => {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end));
      const line = Buffer.concat(parts).toString("utf8");
      parts = [];
      from = end + 1;
      try {
        handle(line);
      } catch (error) {
        fail("brought something that is no answer", error);
        return;
      }
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  });
  stream.on("error", (error) => fail("broke", error));
  stream.on("end", () => fail("ended"));
  stream.on("close", () => fail("closed"));

  const send = (verb: string, args: unknown, one: Waiting): number => {
    const id = ++count;
    if (broken !== null) {
      one.failed(broken);
      return id;
    }
    waiting.set(id, one);
    stream.write(`${JSON.stringify({ id, verb, args })}\n`);
    return id;
  };

  return {
    get alive() {
      return broken === null;
    },
    close: () => fail("was closed here"),

    request: (verb, args, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        const settle = () => {
          clearTimeout(timer);
          waiting.delete(id);
        };
        const timer = setTimeout(() => {
          settle();
          reject(new NoExitStatus(`${host}: \`${verb}\` got no answer within ${timeoutMs} ms`));
        }, timeoutMs);
        const id = send(verb, args, {
          line: () => undefined,
          done: (value) => {
            settle();
            resolve(value);
          },
          failed: (error) => {
            settle();
            reject(error);
          },
        });
      }),

    async *lines(verb, args) {
      const queue: unknown[] = [];
      let end: { error: Error | null } | null = null;
      let wake: () => void = () => undefined;
      const id = send(verb, args, {
        line: (value) => {
          queue.push(value);
          wake();
        },
        done: () => {
          end = { error: null };
          wake();
        },
        failed: (error) => {
          end = { error };
          wake();
        },
      });
      try {
        for (;;) {
          while (queue.length > 0) yield queue.shift();
          const over = end as { error: Error | null } | null;
          if (over?.error) throw over.error;
          if (over) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      } finally {
        waiting.delete(id);
        if (end === null && broken === null) {
          stream.write(`${JSON.stringify({ id: 0, verb: "forget", args: { id } })}\n`);
        }
      }
    },
  };
};

const errorOf = (host: string, error: { kind: string; message: string }): Error => {
  if (error.kind === "fenced") return new Fenced(`${host}: ${error.message}`);
  if (error.kind === "timeout") return new NoExitStatus(`${host}: ${error.message}`);
  return new Error(
    `${host}: the agent ${error.kind === "refused" ? "refused" : "failed"}: ${error.message}`,
  );
};
