/** Campaign and testbed files with every key that their schemas know, and paths into them. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** Every key of the campaign file, with a valid value. */
export const campaign = {
  name: "all-keys",
  seed: 7,
  repetitions: 3,
  beyondTestbed: "omit",
  phases: { settleMs: 1, learnMs: 2, trialMs: 300, drainMs: 4, restMs: 5 },
  forwarding: [
    {
      platforms: ["bare"],
      frameSizesBytes: [64, 1518],
      loads: [{ fps: 10 }, { mbpsL1: 1 }, { mbpsL2: 1 }, { ofLineRate: 0.5 }, { ofCapacity: 0.5 }],
    },
  ],
  migration: [
    {
      platforms: ["kvm-virtio"],
      frameSizesBytes: [64],
      loads: [
        { idle: true },
        { fps: 10 },
        { mbpsL1: 1 },
        { mbpsL2: 1 },
        { ofLineRate: 0.5 },
        { ofCapacity: 0.5 },
      ],
      directions: ["R1toR2"],
    },
  ],
  guest: { image: "router", memoryMib: 256, vcpus: 1, routing: "kernel" },
  tolerance: {
    offeredLoadRatio: 0.01,
    unexplainedRatio: 0.001,
    hostLoadRatio: 0.9,
    samplingP99Ms: 20,
  },
  samplingIntervalMs: 10,
  rttIntervalMs: 10,
  keepRaw: false,
  attemptLimit: 3,
  hang: { windowMs: 8000, progressRatio: 0.9, probeIntervalMs: 500, questionTimeoutMs: 2000 },
  migrationDeadlineMs: 60_000,
  migrationMarginMs: 2000,
  idleProbeFps: 1000,
  health: { fps: 1000, ofCapacity: 0.1, durationMs: 2000, lossRatio: 0.01 },
  powerCycles: { most: 6, withinHours: 24 },
  faults: [
    {
      fault: "link-slow",
      trials: { kind: "migration", platform: "kvm-virtio", repetitions: [1, 2], name: "b02/*" },
      when: "migrating",
      afterMs: 100,
      forMs: 300,
      host: "source",
      link: "migration",
      mbps: 5,
      lossRatio: 0.1,
      mib: 64,
    },
  ],
};
const example = (file: string) =>
  parse(readFileSync(new URL(`../../testbeds/${file}`, import.meta.url), "utf8")) as object;
export const lab = withValue(example("lab.yaml"), ["machines"], { bootProfile: "linux" });
/** Every key that a host can have stands at A. */
export const physical = Object.entries({
  rebootFromInside: true,
  ownClock: false,
  privilege: ["sudo", "-n"],
  bootProfiles: ["linux", "xen"],
  powerCommand: ["power", "A"],
  ipmi: { address: "198.51.100.7", user: "admin", passwordFile: "/etc/longhaul/ipmi" },
}).reduce(
  (document, [key, value]) => withValue(document, ["hosts", "A", key], value),
  withValue(example("physical-example.yaml"), ["hosts", "A", "reach", "port"], 2222),
);

export type Path = readonly (string | number)[];

/** Paths of every key and list entry in the document. */
export function paths(value: unknown, path: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.map((each, index) => [index, each] as const)
    : Object.entries(value);
  return [
    ...(path.length > 0 ? [path] : []),
    ...inner.flatMap(([key, each]) => paths(each, [...path, key])),
  ];
}

export function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<string | number, unknown>)[key],
    document,
  );
}

export function withValue(document: object, path: Path, value: unknown): object {
  const copy = structuredClone(document);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
  parent[path.at(-1) ?? ""] = value;
  return copy;
}

export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

/** Every key that a JSON Schema knows, `[]` for entries and `*` for names that are free. */
export function keysOf(schema: JsonSchema, at = ""): string[] {
  const { properties = {}, additionalProperties, items, anyOf = [], oneOf = [] } = schema;
  const below = (key: string, inner: JsonSchema) => [key, ...keysOf(inner, key)];
  return [
    ...Object.entries(properties).flatMap(([key, inner]) => below(`${at}.${key}`, inner)),
    ...(typeof additionalProperties === "object" ? below(`${at}.*`, additionalProperties) : []),
    ...(items === undefined ? [] : keysOf(items, `${at}[]`)),
    ...[...anyOf, ...oneOf].flatMap((one) => keysOf(one, at)),
  ];
}

/** One schema serves all hosts, and one all images. */
export const anyName = (key: string) => key.replace(/^\.(hosts|images)\.[^.[]+/, ".$1.*");
