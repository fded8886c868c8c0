/** Temporal's native core in this process: its log goes to stdout, one line each. */
import { setFlagsFromString } from "node:v8";
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";

/** Enough for a hundred cached workflows; a leak ends the process, and the supervisor starts another. */
const heapMib = 1024;

/** Once per process, before anything else of Temporal. */
export function installRuntime(): void {
  setFlagsFromString(`--max-old-space-size=${heapMib}`);
  const filter = makeTelemetryFilterString({ core: "WARN", other: "ERROR" });
  Runtime.install({
    logger: new DefaultLogger("INFO", ({ level, message, meta, timestampNanos }) => {
      const at = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
      console.log(`${at} ${level} ${message}${metaWords(meta)}`);
    }),
    // A server that is away is told of once, by us; core tells of it at every retry (1.24.0).
    telemetryOptions: {
      logging: { filter: `${filter},temporalio_client::retry=OFF`, forward: {} },
    },
  });
}

/** What the SDK adds to every line of a workflow or activity; the ids that matter stay. */
const noise = [
  "namespace",
  "taskToken",
  "sdkComponent",
  "runId",
  "isLocal",
  "workflowType",
  "taskQueue",
];

function metaWords(meta: object | undefined): string {
  const kept = Object.entries(meta ?? {}).filter(([name]) => !noise.includes(name));
  return kept.map(([name, value]) => ` ${name}=${words(value)}`).join("");
}

function words(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.stack ?? value.message);
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "undefined");
}
