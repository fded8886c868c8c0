/**
 * Fencing tokens: one rising integer per testbed. The testbed's lock hands out an epoch with each
 * grant; the campaign that holds it counts attempts (and rungs of recovery) below that epoch.
 *
 * More than a million numbers under one epoch run into the next one's; nothing is lost by it, as a
 * new grant's epoch is taken above the highest token in the store.
 */
const numbersPerEpoch = 1_000_000;

export const token = (epoch: number, number: number): number => epoch * numbersPerEpoch + number;

/** The lowest epoch that may be granted after `highestToken` was seen is one above this. */
export const epochOf = (highestToken: number): number => Math.floor(highestToken / numbersPerEpoch);
