import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { temporalChecks } from "../../cli/doctor-temporal.ts";
import { externalTemporal } from "../../services/endpoints.ts";

/** Answers every call with this gRPC status, as a frontend does that does not let this identity in. */
async function refusing(status: number, message: string): Promise<string> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.respond(
      {
        ":status": 200,
        "content-type": "application/grpc",
        "grpc-status": String(status),
        "grpc-message": encodeURIComponent(message),
      },
      { endStream: true },
    );
  });
  onTestFinished(() => void server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  [7, "PERMISSION_DENIED"],
  [16, "UNAUTHENTICATED"],
])(
  "a server that refuses this identity (%i) is told from one that is away",
  async (status, name) => {
    const address = await refusing(status, "request unauthorized");
    const named = externalTemporal({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: "lab" });
    if (named === null) throw new Error("the environment names no server");
    const [found, ...rest] = await temporalChecks(named, "temporal");
    expect(rest).toEqual([]);
    expect(found).toMatchObject({ name: "Temporal server", result: "fail" });
    expect(found?.detail).toContain("request unauthorized");
    expect(found?.mend).toContain(name);
    expect(found?.mend).toContain("TEMPORAL_API_KEY");
  },
);
