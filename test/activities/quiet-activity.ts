import { MockActivityEnvironment } from "@temporalio/testing";
import { DefaultLogger } from "@temporalio/worker";

/** An activity's surroundings without a server; failures that a test expects are not printed. */
export const quietActivity = (): MockActivityEnvironment =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger("ERROR") });
