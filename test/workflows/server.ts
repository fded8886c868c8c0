import { join } from "node:path";
import { defineSearchAttributeKey, SearchAttributeType } from "@temporalio/common";
import { TestWorkflowEnvironment } from "@temporalio/testing";
import { DefaultLogger, makeTelemetryFilterString, Runtime } from "@temporalio/worker";
import { searchAttributes } from "../../model/search-attributes.ts";
import { temporalBinary } from "../../services/temporal.ts";
import { workflowBundle } from "../../workers/bundle.ts";

export const testCache = join(import.meta.dirname, "../../.longhaul/cache");

/** A real Temporal server in memory, with Longhaul's search attributes; `continueAt`: history events after which it suggests to continue as new. */
export async function temporalServer(options: { continueAt?: number } = {}) {
  quietRuntime();
  const [path, bundle] = await Promise.all([
    temporalBinary(testCache, () => undefined),
    workflowBundle(testCache),
  ]);
  const dynamic = [
    "history.transferProcessorMaxPollRPS=1000",
    ...(options.continueAt
      ? [`limit.historyCount.suggestContinueAsNew=${options.continueAt}`]
      : []),
  ];
  const environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: "existing-path", path },
      searchAttributes: Object.entries(searchAttributes).map(([name, type]) =>
        type === "Int"
          ? defineSearchAttributeKey(name, SearchAttributeType.INT)
          : defineSearchAttributeKey(name, SearchAttributeType.KEYWORD),
      ),
      extraArgs: dynamic.flatMap((setting) => ["--dynamic-config-value", setting]),
    },
  });
  return { environment, bundle };
}

let quiet = false;
/** Once per process: only errors are printed. */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({
    logger: new DefaultLogger("ERROR"),
    telemetryOptions: {
      logging: {
        filter: makeTelemetryFilterString({ core: "ERROR", other: "ERROR" }),
        forward: {},
      },
    },
  });
}
