/** Power of a host, switched from outside it. *Accepted* is not *done*: `state` is the read-back. */
export interface Power {
  state(host: string): Promise<"on" | "off">;
  on(host: string): Promise<void>;
  off(host: string): Promise<void>;
  /** Off, read back, on, read back. */
  cycle(host: string): Promise<void>;
}
