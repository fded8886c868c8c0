import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import pg from "pg";
import { parse } from "yaml";
import {
  defaultNamespace,
  retentionDays,
  searchAttributes,
} from "../../model/search-attributes.ts";
import { externalDatabase } from "../../services/endpoints.ts";

interface Service {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: unknown;
}

const root = join(import.meta.dirname, "../..");
const text = readFileSync(join(root, "docker-compose.yml"), "utf8");
const { services, volumes } = parse(text, { merge: true }) as {
  services: Readonly<Record<string, Service>>;
  volumes: Readonly<Record<string, unknown>>;
};
const service = (name: string): Service => {
  const found = services[name];
  if (!found) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};

test("every image is pinned to a full version", () => {
  for (const { image } of Object.values(services))
    expect(image).toMatch(/^[\w./-]+:\d+\.\d+(\.\d+)?/);
});

test("every published port is bound to loopback", () => {
  const ports = Object.values(services).flatMap((each) => each.ports ?? []);
  expect(ports.length).toBeGreaterThan(0);
  for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
});

test("databases lie on named volumes that are declared", () => {
  const named = Object.values(services)
    .flatMap((each) => each.volumes ?? [])
    .map((volume) => volume.split(":")[0] ?? "")
    .filter((source) => !source.startsWith("."));
  expect(named.toSorted()).toEqual(Object.keys(volumes).toSorted());
});

test("Temporal gets the namespace, retention and search attributes that the workflows use", () => {
  const script = service("temporal-namespace").command?.join("\n") ?? "";
  const registered = [...script.matchAll(/--name (\w+) --type (\w+)/g)].map(([, name, type]) => [
    name,
    type,
  ]);
  expect(Object.fromEntries(registered)).toEqual(searchAttributes);
  expect(script).toContain(`--namespace ${defaultNamespace} --retention ${retentionDays * 24}h`);
  expect(service("worker").environment?.TEMPORAL_NAMESPACE).toBe(defaultNamespace);
});

test("no password has a default and none is written down", () => {
  const secrets = [...text.matchAll(/(?:PASSWORD|PWD): (.+)/g)].map(([, value]) => value ?? "");
  expect(secrets.length).toBeGreaterThan(3);
  for (const secret of secrets) expect(secret).toMatch(/^\$\{LONGHAUL_\w+_PASSWORD:\?.+\}$/);
});

test("the worker reaches the store with whatever characters its password has", () => {
  const password = "p@ss:w/rd#?";
  const filled = Object.entries(service("worker").environment ?? {}).map(([name, value]) => [
    name,
    value.replace(/\$\{LONGHAUL_STORE_PASSWORD[^}]*\}/, password),
  ]);
  const env = Object.fromEntries(filled) as NodeJS.ProcessEnv;
  const before = { ...process.env };
  try {
    Object.assign(process.env, env);
    const client = new pg.Client({ connectionString: externalDatabase(env) ?? "" });
    expect(client).toMatchObject({
      ...{ host: "store", port: 5432, user: "longhaul", database: "longhaul", password },
    });
  } finally {
    process.env = before;
  }
});

test("who depends on a healthy service depends on one that has a health check", () => {
  const waits = Object.values(services).flatMap((each) => Object.entries(each.depends_on ?? {}));
  expect(waits.length).toBeGreaterThan(0);
  for (const [name, { condition }] of waits)
    if (condition === "service_healthy") expect(service(name).healthcheck).toBeDefined();
    else expect(service(name).command).toBeDefined();
});

test("server and schema tools have the same version, the worker the pinned Node's", () => {
  const version = (name: string) => service(name).image.split(":")[1];
  expect(version("temporal-schema")).toBe(version("temporal"));
  expect(version("temporal-namespace")).toBe(version("temporal"));
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  expect(version("worker")?.split("-")[0]).toBe(dependencies.node);
});
