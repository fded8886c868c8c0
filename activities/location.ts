import type { GuestState, RouterLocation } from "../model/guest.ts";

/** Where the router is, from what both hosts say. null: the host does not tell. */
export function routerLocation(
  source: GuestState | null,
  destination: GuestState | null,
): RouterLocation {
  if (source === null || destination === null) return "unknown";
  if (source === "running") return destination === "running" ? "both" : "source";
  if (destination === "running") return "destination";
  if (source === "paused" || destination === "paused") return "paused";
  if (source === "incoming" || destination === "incoming") return "incoming";
  return "neither";
}
