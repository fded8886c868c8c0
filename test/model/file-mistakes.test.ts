import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { fileSchema } from "../../cli/schema.ts";
import { guestFiles } from "../../hypervisors/kvm-command-line.ts";
import { parseCampaign } from "../../model/campaign-schema.ts";
import { parseTestbed } from "../../model/testbed-schema.ts";
import { UsageError } from "../../model/usage-error.ts";
import {
  anyName,
  campaign,
  type JsonSchema,
  keysOf,
  lab,
  type Path,
  paths,
  physical,
  valueAt,
  withValue,
} from "./every-key.ts";

const files: readonly (readonly [string, object, (text: string) => unknown])[] = [
  ["campaign", campaign, (text) => parseCampaign(text, "file.yaml")],
  ["lab", lab, (text) => parseTestbed(text, "file.yaml")],
  ["physical testbed", physical, (text) => parseTestbed(text, "file.yaml")],
];

/** A value that no key of this type takes: of another type, out of every range, or with a unit glued to it. */
const wrongFor = (value: unknown, path: Path): fc.Arbitrary<unknown> => {
  // Words of a command are free but for emptiness and NUL.
  if (/command/i.test(String(path.at(-2))))
    return fc.constantFrom<unknown>(5, true, [], "", "\u0000");
  if (typeof value === "number")
    return fc.oneof(
      fc.constantFrom<unknown>(-1, 1e18, -0.5, true, [], {}, ".nan", NaN, Infinity),
      fc.constantFrom("ms", " s", "Mbit/s", "%").map((unit) => `${value}${unit}`),
    );
  if (typeof value === "string")
    return fc.constantFrom<unknown>(5, true, [], {}, "", "\u0000", " ? ");
  if (typeof value === "boolean") return fc.constantFrom<unknown>("maybe", 2, [], null);
  if (Array.isArray(value)) return fc.constantFrom<unknown>(7, "? ", true, { a: 1 });
  return fc.constantFrom<unknown>(7, "? ", true, [1]);
};

function refusal(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("the file was accepted");
}

const named = (path: Path) =>
  path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`))
    .join("")
    .slice(1);

test.each([
  ["campaign", [campaign]],
  ["testbed", [lab, physical]],
] as const)("the documents of this test have every key of the %s's JSON Schema", (file, all) => {
  const known = keysOf(fileSchema(file) as JsonSchema).map(anyName);
  expect(known.length).toBeGreaterThan(30);
  const had = all
    .flatMap((document) => paths(document))
    .map((path) => path.map((key) => (typeof key === "number" ? "[]" : `.${key}`)).join(""))
    .map(anyName);
  expect([...new Set(known)].filter((key) => !had.includes(key))).toEqual([]);
});

describe.each(files)("a %s file", (_kind, document, read) => {
  test("is accepted as it stands", () => {
    expect(() => read(stringify(document))).not.toThrow();
  });

  test("with a wrong value at any key is refused by that key and value", () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...paths(document))
          .chain((path) => fc.tuple(fc.constant(path), wrongFor(valueAt(document, path), path))),
        ([path, wrong]) => {
          const message = refusal(() => read(stringify(withValue(document, path, wrong))));
          const shown =
            typeof wrong === "number" && !Number.isFinite(wrong)
              ? String(wrong)
              : JSON.stringify(wrong);
          expect(message).toMatch(/^file\.yaml line \d+: /);
          // A union (a load, a list of directions, `kind`) may be refused as a whole, its value shown.
          const keys = [named(path), named(path.slice(0, -1))].filter((key) => key !== "");
          expect(keys.some((key) => message.includes(`${key} is `))).toBe(true);
          expect(message).toContain(shown);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("with an unknown key anywhere is refused by that key, and the known ones are listed", () => {
    const mappings = [[], ...paths(document)].filter((path) => {
      const value = valueAt(document, path);
      // Image names are free.
      const free = path.length === 1 && path[0] === "images";
      return typeof value === "object" && value !== null && !Array.isArray(value) && !free;
    });
    fc.assert(
      fc.property(fc.constantFrom(...mappings), fc.stringMatching(/^[a-z]{3,9}X$/), (path, key) => {
        const message = refusal(() => read(stringify(withValue(document, [...path, key], 3))));
        expect(message).toContain(`${named([...path, key])} is not a key here (value 3)`);
        expect(message).toContain("known keys: ");
      }),
      { numRuns: 150 },
    );
  });

  test("with a key twice is refused by the line", () => {
    const text = stringify(document);
    const line = text.split("\n").length;
    expect(refusal(() => read(`${text}name: again\n`))).toBe(
      `file.yaml line ${line}: Map keys must be unique: name: again`,
    );
  });
});

describe("a file with mistakes", () => {
  test("is told all of them at once, each with its line, key, value and what would be right", () => {
    const text =
      "name: Demo\nphases:\n  trialMs: 60 s\n  trialSeconds: 60\nforwarding:\n  - platforms: [bare]\n    frameSizesBytes: [60]\n    loads: [{ mbps: 3 }]\n";
    expect(refusal(() => parseCampaign(text, "c.yaml")).split("\n")).toEqual([
      'c.yaml line 1: name is "Demo"; expected a name: 1 to 40 lower-case letters, digits and hyphens, not starting with a hyphen',
      'c.yaml line 3: phases.trialMs is "60 s"; expected a whole number of milliseconds from 100 to 86400000',
      "c.yaml line 4: phases.trialSeconds is not a key here (value 60); known keys: settleMs, learnMs, trialMs, drainMs, restMs",
      "c.yaml line 7: forwarding[0].frameSizesBytes[0] is 60; expected a whole number of bytes, FCS included, from 64 to 1518",
      'c.yaml line 8: forwarding[0].loads[0] is {"mbps":3}; expected a load: one of { fps: … }, { mbpsL1: … }, { mbpsL2: … }, { ofLineRate: … }, { ofCapacity: … }',
    ]);
  });

  test("is told what is missing", () => {
    expect(refusal(() => parseCampaign("repetitions: 2\n", "c.yaml"))).toContain(
      "c.yaml line 1: name is missing; expected a name",
    );
    expect(refusal(() => parseCampaign("name: x\n", "c.yaml"))).toBe(
      "c.yaml line 1: forwarding is missing; expected at least one forwarding or migration part",
    );
  });

  test.each([
    ["an alias without its anchor", "name: *x\n", "c.yaml: Unresolved alias"],
    ["an unknown tag", "name: !secret x\n", "c.yaml line 1: Unresolved tag: !secret"],
    ["no content", "", "c.yaml line 1: the file is null; expected a mapping with the keys name"],
    ["broken flow syntax", "name: [x\n", "c.yaml line"],
  ])("with %s is refused in words", (_case, text, words) => {
    expect(refusal(() => parseCampaign(text, "c.yaml"))).toContain(words);
  });

  test("idle is a load of migrations only", () => {
    const text =
      "name: x\nforwarding:\n  - { platforms: [bare], frameSizesBytes: [64], loads: [{ idle: true }] }\n";
    expect(refusal(() => parseCampaign(text, "c.yaml"))).toContain(
      'forwarding[0].loads[0] is {"idle":true}',
    );
  });
});

describe("a physical testbed", () => {
  test("has a run folder that leaves room for the names of sockets", () => {
    const named = (folder: string) =>
      parseTestbed(stringify({ ...physical, runFolder: folder }), "t.yaml");
    expect(() => named(`/${"r".repeat(61)}`)).toThrow(/runFolder.*at most 60 characters/s);
    const testbed = named(`/${"r".repeat(60)}`);
    const folder = testbed.kind === "physical" ? testbed.runFolder : "";
    const longest = Math.max(
      ...Object.values<string>({ ...guestFiles(folder, "router-kvm-virtio") }).map(
        ({ length }) => length,
      ),
      `${folder}/agent-0123456789.sock`.length,
    );
    // unix(7): 108 bytes, the closing zero included.
    expect(longest).toBeLessThan(108);
  });
  const read = (path: Path, value: unknown) => () =>
    parseTestbed(stringify(withValue(physical, path, value)), "t.yaml");

  test.each<[string, Path, unknown, string]>([
    [
      "without a NIC on its segment",
      ["hosts", "A", "nics", 0, "link"],
      "c",
      "expected a NIC with link: a",
    ],
    [
      "with a MAC address used twice",
      ["hosts", "B", "nics", 0, "mac"],
      "02:00:00:00:0a:01",
      "expected a MAC address of its own, not that of hosts A",
    ],
    [
      "with a router in a foreign subnet",
      ["router", "nics", 0, "address"],
      "198.18.9.1/24",
      "expected an address in the subnet of A (198.18.1.10/24)",
    ],
    [
      "with a segment of R1 without bridge",
      ["hosts", "R1", "nics", 0, "bridge"],
      null,
      "expected a bridge for link a",
    ],
    [
      "with a migration link without address",
      ["hosts", "R2", "nics", 4, "address"],
      null,
      "expected an address for link migration",
    ],
    [
      "with a router that lacks a segment",
      ["router", "nics", 3, "segment"],
      "c",
      "expected exactly one NIC with segment: d",
    ],
  ])("%s is refused", (_case, path, value, words) => {
    expect(refusal(read(path, value))).toContain(words);
  });

  test("resolves to a testbed whose hosts know their names", () => {
    const testbed = parseTestbed(stringify(physical), "t.yaml");
    expect(
      testbed.kind === "physical" && Object.values(testbed.hosts).map(({ name }) => name),
    ).toEqual(["A", "B", "C", "D", "R1", "R2"]);
  });
});
