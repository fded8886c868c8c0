/** SSH over the streams of a real sshd in a namespace host of its own, which is killed at the end. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { killHost, startHost } from "../../lab/namespace-host.ts";
import type { HostRecord, LabState } from "../../lab/records.ts";
import { writeAtomically } from "../../lab/records.ts";
import { hostFolder } from "../../lab/namespace-host.ts";
import { hostKeyFingerprint, makeAccess, reachOf } from "../../lab/ssh-access.ts";
import { findSshd } from "../../lab/sshd.ts";
import type { HostName, Reach, Testbed } from "../../model/testbed.ts";
import { hostNames } from "../../model/testbed.ts";
import type { Agent, Hosts } from "../../remote/agent.ts";
import { openHosts } from "../../remote/hosts.ts";
import { NoExitStatus } from "../../remote/shell.ts";
import { ssh } from "../../remote/ssh.ts";
import { until } from "./local-agent.ts";

const root = join(import.meta.dirname, "../../.longhaul");
const state: LabState = {
  path: join(root, "test/remote-ssh"),
  id: "55aa11",
  cache: process.env.LONGHAUL_CACHE ?? join(root, "cache"),
  lab: join(root, "test/remote-ssh/lab"),
};
let host: HostRecord;
let reach: Reach;
let hosts: Hosts;

const testbedOf = (way: Reach): Testbed => ({
  name: "one-host",
  kind: "lab",
  hosts: Object.fromEntries(
    hostNames.map((name) => [
      name,
      {
        name,
        reach: way,
        rebootFromInside: false,
        ownClock: false,
        privilege: [],
        bootProfiles: [],
        nics: [],
        powerCommand: null,
      },
    ]),
  ) as unknown as Record<HostName, Testbed["hosts"][HostName]>,
  lineRateMbpsL1: 1,
  migrationRateMbpsL1: 1,
  platforms: [],
  generator: "tcpreplay",
  router: { nics: [] },
  images: {},
  accelerator: null,
  runFolder: "/run/longhaul",
});

const boot = async () => {
  host = await startHost(state, "A");
};

beforeAll(async () => {
  rmSync(state.path, { recursive: true, force: true });
  mkdirSync(state.lab, { recursive: true });
  await makeAccess(state, await findSshd(state.cache));
  await boot();
  reach = reachOf(state, "A", await hostKeyFingerprint(state));
  hosts = openHosts(testbedOf(reach));
});
afterAll(async () => {
  await hosts.close();
  await killHost(host);
  rmSync(state.path, { recursive: true, force: true });
});

const fence = async (agent: Agent, token: number) => ({
  token,
  bootIds: { A: (await agent.identity()).bootId },
});

test("a command has its exit status, its outputs and its input", async () => {
  const link = ssh("A", reach);
  const result = await link.run(["sh", "-c", "cat; echo 'a b' >&2; exit 4"], {
    stdin: "in",
    timeoutMs: 10_000,
  });
  expect(result).toMatchObject({ exitCode: 4, stdout: "in", stderr: "a b\n" });
  link.close();
});

test("a command without an end in time has no exit status", async () => {
  const link = ssh("A", reach);
  await expect(link.run(["sleep", "3"], { timeoutMs: 300 })).rejects.toThrow(NoExitStatus);
  link.close();
});

test("the wrong host key is refused, with both fingerprints in the sentence", async () => {
  const link = ssh("A", { ...reach, hostKeySha256: "SHA256:nonsense" });
  const refused = expect(link.run(["true"], { timeoutMs: 10_000 })).rejects;
  await refused.toThrow(
    `showed the host key ${reach.hostKeySha256}, the testbed file expects SHA256:nonsense`,
  );
});

test("a proxy command that fails is quoted, with the host's name", async () => {
  const broken: Reach = {
    ...reach,
    kind: "proxy",
    command: ["sh", "-c", "echo no way >&2; exit 1"],
  };
  const refused = expect(ssh("A", broken).run(["true"], { timeoutMs: 10_000 })).rejects;
  await refused.toThrow(/^A: SSH to root at [^]*no way/);
});

test("a host that says nothing is given up at the deadline", async () => {
  const silent: Reach = { ...reach, kind: "proxy", command: ["sleep", "30"] };
  const link = ssh("A", silent, { connectTimeoutMs: 300 });
  const begun = performance.now();
  await expect(link.run(["true"], { timeoutMs: 10_000 })).rejects.toThrow(NoExitStatus);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test("the agent on the host answers, with the host's own boot id", async () => {
  const agent = await hosts.agent("A");
  const identity = await agent.identity();
  expect(identity).toMatchObject({ host: "A", bootId: host.bootId, token: 0 });
  expect(Object.keys((await agent.counters()).interfaces)).toEqual(["lo"]);
});

test("two controllers that come at once share one agent", async () => {
  const others = [openHosts(testbedOf(reach)), openHosts(testbedOf(reach))];
  const agents = await Promise.all(others.map((one) => one.agent("A")));
  await agents[0]?.raise(await fence(agents[0], 3));
  expect((await agents[1]?.identity())?.token).toBe(3);
  await Promise.all(others.map((one) => one.close()));
});

test("an unknown host is named together with the known ones", async () => {
  await expect(hosts.agent("Z")).rejects.toThrow(
    "Z: testbed one-host has no such host; known: A, B, C, D, R1, R2",
  );
});

test("a power cycle is seen: the waiting call has no status, the next finds the new boot", async () => {
  const agent = await hosts.agent("A");
  const before = await fence(agent, 4);
  await agent.startUnit(before, {
    name: "u",
    deadlineMs: 60_000,
    program: { kind: "command", argv: ["sleep", "60"] },
  });
  const waiting = expect(agent.waitUnit("u", { timeoutMs: 60_000 })).rejects.toThrow(NoExitStatus);
  await killHost(host);
  await waiting;
  writeAtomically(join(hostFolder(state, "A"), "init"), "0 0\n");
  await expect(hosts.agent("A")).rejects.toThrow(NoExitStatus);
  await boot();
  await until("the host answers again", async () => {
    const found = await hosts.agent("A").catch(() => null);
    return found !== null && (await found.identity()).bootId === host.bootId;
  });
  expect(await agent.unit("u")).toBeNull();
  await expect(agent.act(before, ["true"])).rejects.toThrow("expected boot id");
});
