/** One Temporal Worker per testbed, on the testbed's own task queue: its workflows and its acts. */
import type { NativeConnection } from "@temporalio/worker";
import { Worker } from "@temporalio/worker";
import { taskQueue } from "../model/search-attributes.ts";
import type { Acts } from "../workflows/acts.ts";
import { workerIdentity } from "./abandoned.ts";

export interface WorkerSettings {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly testbed: string;
  readonly bundle: string;
  readonly activities: Acts;
}

/**
 * Several slots, as exclusivity is the lock's and the token's: a stuck measurement must not block its
 * own recovery. After SIGTERM an act may end by itself for a moment, then it is told to stop; the
 * units that it started on the hosts go on, and are collected.
 */
export const testbedWorker = ({
  testbed,
  bundle,
  activities,
  ...server
}: WorkerSettings): Promise<Worker> =>
  Worker.create({
    ...server,
    identity: workerIdentity(),
    taskQueue: taskQueue(testbed),
    workflowBundle: { codePath: bundle },
    activities,
    maxConcurrentActivityTaskExecutions: 20,
    maxCachedWorkflows: 100,
    maxHeartbeatThrottleInterval: "1s",
    // A killed worker's next workflow task waits this long for it (10 s by default).
    stickyQueueScheduleToStartTimeout: "1s",
    shutdownGraceTime: "3s",
    shutdownForceTime: "12s",
  });
