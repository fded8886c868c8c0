import { expect, test } from "vitest";
import { inTheirWords, rememberStateFlag } from "../../cli/say.ts";

const called = (name: string) => ({ LONGHAUL_COMMAND: name });

test("a command that a message advises can be typed where the program was called", () => {
  const message = "no lab is up; `longhaul lab up` brings one up, longhaul down ends it";
  expect(inTheirWords(message, called("bin/longhaul"))).toBe(
    "no lab is up; `bin/longhaul lab up` brings one up, bin/longhaul down ends it",
  );
  expect(inTheirWords(message, {})).toBe(message);
});

test("the name of the program, of a path and of a file stay as they are", () => {
  for (const text of [
    "longhaul: testbed lab is busy",
    "/srv/longhaul up there",
    "a newer Longhaul wrote it",
    "longhaul downloads",
    "the database longhaul",
  ])
    expect(inTheirWords(text, called("npx longhaul"))).toBe(text);
});

test("a state folder given by the flag is part of every command that is advised, once", () => {
  const env: NodeJS.ProcessEnv = called("bin/longhaul");
  rememberStateFlag("/data/my lab", env);
  rememberStateFlag("/data/my lab", env);
  expect(env.LONGHAUL_STATE).toBe("/data/my lab");
  expect(inTheirWords("end them with: longhaul down", env)).toBe(
    "end them with: bin/longhaul --state '/data/my lab' down",
  );
  expect(inTheirWords("mend: longhaul --state /other lab down", env)).toBe(
    "mend: bin/longhaul --state /other lab down",
  );
});
