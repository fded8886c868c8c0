/** What a worker says of itself, on a disk that takes it and on one that is full. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { stateFolder } from "../../services/state-folder.ts";
import { workerBeat, workerWord } from "../../services/worker-ready.ts";
import { workerSays } from "../../workers/worker-says.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-says-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("every beat is another one, and leaves the word as it is", async () => {
  const state = stateFolder(join(folder, "beats"), {});
  const says = workerSays(state, () => undefined);
  expect(workerBeat(state)).toBeNull();
  says.word({ version: "1", waitsFor: null });
  const first = workerBeat(state);
  await delay(5);
  says.beat();
  expect(workerBeat(state)).not.toBe(first);
  expect(workerWord(state)).toMatchObject({ version: "1", waitsFor: null });
});

test("a word that the disk refuses ends no worker; the beats go on and say it when there is room", async () => {
  const state = stateFolder(join(folder, "full"), {});
  const lines: string[] = [];
  const says = workerSays(state, (line) => lines.push(line));
  says.word({ version: "1", waitsFor: null });
  const hindrance = join(state.path, `worker-ready.json.${process.pid}.unfinished`);
  mkdirSync(hindrance);
  const waitsFor = { words: "PostgreSQL: its disk is full", isFinal: false };
  says.word({ version: "1", waitsFor });
  expect(workerWord(state)?.waitsFor).toBeNull();
  const before = workerBeat(state);
  await delay(5);
  says.beat();
  expect(workerBeat(state)).not.toBe(before);
  rmSync(hindrance, { recursive: true });
  says.beat();
  expect(workerWord(state)?.waitsFor).toEqual(waitsFor);
  expect(lines[0]).toMatch(/^cannot tell how this worker stands; tried again: EISDIR/);
});
