/** What a host is booted with, where that can be chosen from outside: by its power, and what it then finds to boot. */
export interface Boots {
  /** The profile of the host's present boot, or of its next where it has no power. null: it has only one. */
  profile(host: string): string | null;
  /** Boots the host with that profile and returns when it answers. What ran there is gone. @throws {Error} it does not come up */
  boot(host: string, profile: string): Promise<void>;
}
