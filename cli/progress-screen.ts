/** Where the progress of a campaign is drawn: a bar that is redrawn on a terminal, plain lines elsewhere. */

export interface ProgressScreen {
  /** A line that stays. */
  line(text: string): void;
  /** The line that is replaced by the next one; elsewhere than on a terminal it is printed now and then. */
  bar(text: string): void;
  /** Ends the bar's line. */
  close(): void;
}

export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const plainIntervalMs = 15_000;
/** Erase the line and return to its begin (ECMA-48 EL). */
const eraseLine = "\r\u001b[2K";

export function progressScreen(output: Output, now: () => number = Date.now): ProgressScreen {
  let drawn = "";
  let printedAt = -Infinity;
  if (output.isTTY !== true)
    return {
      line: (text) => output.write(`${text}\n`),
      bar(text) {
        if (now() - printedAt < plainIntervalMs) return;
        printedAt = now();
        output.write(`${text}\n`);
      },
      close: () => undefined,
    };
  return {
    line: (text) => output.write(`${eraseLine}${text}\n${drawn}`),
    bar(text) {
      // A bar longer than the line would wrap, and could not be erased.
      drawn = text.slice(0, Math.max(10, (output.columns ?? 80) - 1));
      output.write(`${eraseLine}${drawn}`);
    },
    close() {
      if (drawn !== "") output.write("\n");
      drawn = "";
    },
  };
}

/** `[█████░░░░░] 17/42` */
export function barText(done: number, planned: number, cells = 24): string {
  const full = planned === 0 ? cells : Math.floor((cells * done) / planned);
  return `[${"█".repeat(full)}${"░".repeat(cells - full)}] ${done}/${planned}`;
}
