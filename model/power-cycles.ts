/** How often a host may be power-cycled before it is given up: one that needs it again and again is not mended by it. */
import type { Campaign } from "./campaign.ts";

export interface PowerCycles {
  /** One that had so many within the hours is not cycled again. */
  readonly most: number;
  readonly withinHours: number;
}

export const defaultPowerCycles: PowerCycles = { most: 6, withinHours: 24 };

/** A campaign that says nothing of it goes by the default. */
export const powerCyclesOf = ({ powerCycles }: Pick<Campaign, "powerCycles">): PowerCycles =>
  powerCycles ?? defaultPowerCycles;
