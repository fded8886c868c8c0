/** The baseline that a router must meet before it is measured on again: far below saturation, where loss is no noise. */
import type { Campaign } from "./campaign.ts";

export interface Health {
  /** At most this load. */
  readonly fps: number;
  /** At most this share of the platform's capacity, where that is known. */
  readonly ofCapacity: number;
  readonly durationMs: number;
  /** More loss than this is not healthy. */
  readonly lossRatio: number;
}

export const defaultHealth: Health = {
  fps: 1000,
  ofCapacity: 0.1,
  durationMs: 2000,
  lossRatio: 0.001,
};

/** A campaign that says nothing of it goes by the defaults. */
export const healthOf = ({ health }: Pick<Campaign, "health">): Health => health ?? defaultHealth;
