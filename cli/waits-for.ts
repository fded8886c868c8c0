/** What a campaign waits for that is none of its own: the services under it. */
import type { ServicesStatus } from "../services/services-status.ts";

/** null: for nothing, as far as this state folder knows; a worker elsewhere is on no record here. */
export function waitsFor(services: ServicesStatus): string | null {
  const { supervisor, temporal, postgres, worker } = services;
  if (supervisor.state === "stopped")
    return [temporal, postgres].some(({ address }) => address !== null)
      ? "the services, which do not run here: `longhaul up` starts them"
      : null;
  const away = (name: string, { state, lastEnd }: typeof postgres) =>
    state === "running" || state === "external"
      ? null
      : `${name}, which is ${state === "waiting" ? "being restarted" : state}${lastEnd === null ? "" : ` (it ended: ${lastEnd})`}`;
  return (
    away("Temporal", temporal) ??
    away("PostgreSQL", postgres) ??
    worker.waitsFor ??
    away("the worker", worker)
  );
}
