import { progress } from "./progress.ts";

export interface PhaseLog {
  /** Notes the beginning of a phase on the controller's wall clock, and reports it as progress. */
  enter(name: string): void;
  readonly entries: readonly { readonly name: string; readonly atUs: number }[];
}

/** `entered` is told of each phase as it begins. */
export function phaseLog(
  earlier: PhaseLog["entries"] = [],
  entered: (name: string) => void = () => undefined,
): PhaseLog {
  const entries = [...earlier];
  return {
    enter: (name) => {
      entries.push({ name, atUs: Date.now() * 1000 });
      progress({ phase: name });
      entered(name);
    },
    entries,
  };
}
