/** More repetitions of a campaign that was planned before. */

export interface ExtendOrder {
  readonly campaignId: string;
  /** The new total, not how many are added. */
  readonly repetitions: number;
  /** Who asks, for the record. */
  readonly by: string;
}

/** `extended` with nothing added: it had so many already. */
export type ExtendAnswer =
  | { readonly status: "extended"; readonly planned: number; readonly added: number }
  | { readonly status: "refused"; readonly why: string };

/** How a campaign refuses an order that comes after its last trial. */
export const closingWords = "is ending";
