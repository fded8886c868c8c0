/**
 * The hosts' own record of what ran on them: `journal.jsonl`, which each host's agent, wrappers and
 * watcher append to (probes/agent/journal.py). Followed while the campaign runs, because `longhaul up`
 * after a death of the whole machine makes the lab anew.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { hostFolder } from "../../lab/namespace-host.ts";
import type { LabState } from "../../lab/records.ts";
import { hostNames, type HostName } from "../../model/testbed.ts";

const journalLine = z.object({
  atUs: z.number(),
  bootId: z.string(),
  what: z.string(),
  unit: z.string().optional(),
  token: z.number().optional(),
  status: z.string().optional(),
});
/** Times of the monotonic clock, which all hosts of a lab share. */
export type JournalLine = z.infer<typeof journalLine>;

export const parseJournal = (text: string): readonly JournalLine[] =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => journalLine.parse(JSON.parse(line)));

/** Of one attempt on the testbed: from its first unit's start to its last unit's end, over all hosts. */
export interface AttemptSpan {
  /** `<trial with dots>.a<attempt>` */
  readonly attempt: string;
  readonly fromUs: number;
  readonly toUs: number;
}

export interface HostsAccount {
  readonly spans: readonly AttemptSpan[];
  /** Sentences: a unit without an end, a token below one that was seen before. */
  readonly contradictions: readonly string[];
  readonly unitsStarted: number;
  readonly refusals: number;
}

/**
 * What the hosts together say of a campaign's attempts. A unit whose host lost its power ended before
 * the first line of that host's next boot.
 */
export function accountOf(
  journals: Readonly<Record<string, readonly JournalLine[]>>,
  campaign: string,
): HostsAccount {
  const contradictions: string[] = [];
  const spans = new Map<string, { fromUs: number; toUs: number }>();
  const starts: { host: string; unit: string; token: number; atUs: number }[] = [];
  for (const [host, lines] of Object.entries(journals))
    for (const [index, { what, unit = "", token = 0, atUs, bootId }] of lines.entries()) {
      if (what !== "started" || !unit.startsWith(`${campaign}.`)) continue;
      starts.push({ host, unit, token, atUs });
      const end = lines
        .slice(index)
        .find(
          (line) => line.bootId !== bootId || (line.what === "ended" && line.unit === unit),
        )?.atUs;
      if (end === undefined) contradictions.push(`${host}: unit ${unit} never ended`);
      const attempt = /^(.*\.a\d+)\./.exec(unit)?.[1] ?? unit;
      const known = spans.get(attempt) ?? { fromUs: atUs, toUs: atUs };
      spans.set(attempt, {
        fromUs: Math.min(known.fromUs, atUs),
        toUs: Math.max(known.toUs, end ?? Infinity),
      });
    }
  let highest = 0;
  for (const { host, unit, token, atUs } of starts.toSorted((a, b) => a.atUs - b.atUs)) {
    if (token < highest)
      contradictions.push(
        `${host}: unit ${unit} was started at ${atUs} us under token ${token}, after one under ${highest}`,
      );
    highest = Math.max(highest, token);
  }
  const refusals = Object.values(journals).flatMap((lines) =>
    lines.filter(({ what }) => what === "refused"),
  );
  return {
    spans: [...spans]
      .map(([attempt, span]) => ({ attempt, ...span }))
      .toSorted((a, b) => a.fromUs - b.fromUs),
    contradictions,
    unitsStarted: starts.length,
    refusals: refusals.length,
  };
}

interface Tail {
  readonly descriptor: number;
  readonly inode: number;
  position: number;
}

/** Reads on, also from a file that was deleted meanwhile, as long as it was opened before. */
export function followJournals(state: LabState) {
  const texts: Record<string, string> = Object.fromEntries(hostNames.map((host) => [host, ""]));
  const tails = new Map<HostName, Tail>();
  const look = (): void => {
    for (const host of hostNames) {
      const known = tails.get(host);
      if (known) texts[host] += readOn(known);
      const now = opened(join(hostFolder(state, host), "journal.jsonl"));
      if (now === null) continue;
      if (now.inode === known?.inode) closeSync(now.descriptor);
      else {
        if (known) closeSync(known.descriptor);
        tails.set(host, now);
        texts[host] += readOn(now);
      }
    }
  };
  const looking = setInterval(look, 200);
  return {
    /** All lines so far; ends the following. */
    end(): Readonly<Record<string, readonly JournalLine[]>> {
      clearInterval(looking);
      look();
      for (const { descriptor } of tails.values()) closeSync(descriptor);
      return Object.fromEntries(
        Object.entries(texts).map(([host, text]) => [host, parseJournal(text)]),
      );
    },
  };
}

function opened(path: string): Tail | null {
  try {
    const descriptor = openSync(path, "r");
    return { descriptor, inode: fstatSync(descriptor).ino, position: 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

function readOn(tail: Tail): string {
  const chunk = Buffer.alloc(65_536);
  let text = "";
  for (;;) {
    const count = readSync(tail.descriptor, chunk, 0, chunk.length, tail.position);
    if (count === 0) return text;
    tail.position += count;
    text += chunk.toString("latin1", 0, count);
  }
}
