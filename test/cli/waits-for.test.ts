import { expect, test } from "vitest";
import { waitsFor } from "../../cli/waits-for.ts";
import type { ServicesStatus } from "../../services/services-status.ts";

const service = {
  state: "running",
  address: "127.0.0.1:1",
  ...{ pid: 1, since: null, restarts: 0, lastEnd: null },
} as const;
const services: ServicesStatus = {
  ready: true,
  supervisor: { state: "running", pid: 1 },
  temporal: { ...service, ui: null },
  postgres: service,
  worker: { ...service, address: null, waitsFor: null, version: "1" },
};

test("with all services up, or real servers in their stead, nothing is waited for", () => {
  expect(waitsFor(services)).toBeNull();
  const external = { ...service, state: "external" } as const;
  expect(waitsFor({ ...services, temporal: { ...external, ui: null } })).toBeNull();
});

test("a service that is being restarted is named with its end", () => {
  const temporal = { ...services.temporal, state: "waiting", lastEnd: "SIGKILL" } as const;
  expect(waitsFor({ ...services, temporal })).toBe(
    "Temporal, which is being restarted (it ended: SIGKILL)",
  );
});

test("a worker says itself what it waits for", () => {
  const worker = { ...services.worker, waitsFor: "Temporal at bench:7233: refused" };
  expect(waitsFor({ ...services, worker })).toBe("Temporal at bench:7233: refused");
});

test("without a supervisor the services are waited for, unless they were never here", () => {
  const supervisor = { state: "stopped", pid: null } as const;
  expect(waitsFor({ ...services, supervisor })).toContain("`longhaul up`");
  const nowhere = { ...service, state: "stopped", address: null } as const;
  const none = { ...services, supervisor, temporal: { ...nowhere, ui: null }, postgres: nowhere };
  expect(waitsFor(none)).toBeNull();
});
