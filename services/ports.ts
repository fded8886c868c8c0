import { createServer } from "node:net";

/** True when nothing listens on this TCP port of 127.0.0.1 now. */
const portIsFree = (port: number): Promise<boolean> =>
  new Promise((settle) => {
    const server = createServer();
    server.once("error", () => settle(false));
    server.listen(port, "127.0.0.1", () => server.close(() => settle(true)));
  });

/**
 * `preferred` if it is free, else the next free port of this state folder. Ports lie below the kernel's
 * ephemeral range (32768 and up), where an outgoing connection could take one between two starts.
 */
export async function choosePort(
  stateId: string,
  preferred: number | null,
  taken: ReadonlySet<number>,
): Promise<number> {
  if (preferred !== null && !taken.has(preferred) && (await portIsFree(preferred)))
    return preferred;
  const [first, count] = [20_000, 12_000];
  const start = (parseInt(stateId, 16) % (count / 10)) * 10;
  for (let step = 0; step < count; step += 1) {
    const port = first + ((start + step) % count);
    if (!taken.has(port) && (await portIsFree(port))) return port;
  }
  throw new Error(`no free TCP port on 127.0.0.1 between ${first} and ${first + count}`);
}
