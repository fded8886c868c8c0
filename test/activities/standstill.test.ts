import { MockActivityEnvironment } from "@temporalio/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { progress } from "../../activities/progress.ts";
import { standsStill, watched } from "../../activities/standstill.ts";
import { ref } from "./scripted-facts.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => vi.useRealTimers());

/** A measurement that shows progress once and then waits for its end. */
function measuring() {
  const environment = new MockActivityEnvironment({ heartbeatTimeoutMs: 20_000 });
  let end: () => void = () => undefined;
  const run = environment.run(() =>
    watched(ref, async () => {
      progress({ phase: "load" });
      await new Promise<void>((resolve) => (end = resolve));
    }),
  );
  return { run, end: () => end() };
}

test("a measurement that shows no progress for its heartbeat timeout stands still, until it ends", async () => {
  const { run, end } = measuring();
  vi.advanceTimersByTime(19_000);
  expect(standsStill(ref)).toBe(false);
  vi.advanceTimersByTime(1000);
  expect(standsStill(ref)).toBe(true);
  expect(standsStill({ ...ref, attempt: 2 })).toBe(false);
  end();
  await run;
  expect(standsStill(ref)).toBe(false);
});

test("a process that was stopped itself does not blame the measurement", async () => {
  const { run, end } = measuring();
  // Nothing of the process ran in that time: its timers fire late, once.
  const stopped = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 60_000);
  vi.advanceTimersByTime(1000);
  expect(standsStill(ref)).toBe(false);
  stopped.mockRestore();
  end();
  await run;
});
