import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { activeFaults, clearFaults, makeFault } from "../../lab/faults/faults.ts";
import { labDown, labPower, labTestbed } from "../../lab/lab.ts";
import { inside } from "../../lab/namespace-host.ts";
import { isAlive, processesMarked, until } from "../../lab/processes.ts";
import { labMark } from "../../lab/namespace-host.ts";
import { readLab, wires } from "../../lab/records.ts";
import { openHosts } from "../../remote/hosts.ts";
import type { Hosts } from "../../remote/agent.ts";
import { orderOf } from "./fault-lab.ts";
import { bareFile, testState, upLab } from "./own-lab.ts";

const state = testState("link-faults");
let hosts: Hosts;
beforeAll(async () => {
  await upLab(state, bareFile);
  hosts = openHosts(labTestbed(state)!);
});
afterEach(() => clearFaults(state));
afterAll(async () => {
  await hosts?.close();
  await labDown(state);
});

const among = (...argv: readonly string[]) => inside(readLab(state)!.hosts[wires]!, ["net"], argv);

/** Bytes a TCP receiver on R2 has got from R1 over the migration link within a second more than this. */
const sender = `
import socket, sys, time
end = time.monotonic() + float(sys.argv[1])
with socket.create_connection(("198.19.0.2", 5001), timeout=1) as one:
    one.settimeout(0.2)
    while time.monotonic() < end:
        try:
            one.send(bytes(65536))
        except TimeoutError:
            pass
`;
const receiver = `
import socket, sys, time
got = 0
with socket.create_server(("198.19.0.2", 5001)) as door:
    door.settimeout(5)
    try:
        one, _ = door.accept()
        end = time.monotonic() + float(sys.argv[1])
        one.settimeout(0.2)
        while time.monotonic() < end:
            try:
                got += len(one.recv(1 << 20))
            except TimeoutError:
                pass
    except TimeoutError:
        pass
print(got)
`;
const carriedBytes = async (seconds: number) => {
  const [from, to] = await Promise.all([hosts.agent("R1"), hosts.agent("R2")]);
  const python = (source: string, time: number) => ["python3", "-I", "-c", source, String(time)];
  const options = { timeoutMs: 30_000 };
  const receiving = to.read(python(receiver, seconds + 1), options);
  const listens = async () =>
    (await to.read(["ss", "-Htln", "sport", "=", ":5001"])).stdout.includes(":5001");
  const deadline = Date.now() + 10_000;
  while (!(await listens()))
    if (Date.now() > deadline) throw new Error("R2: the receiver does not listen within 10 s");
  await from.read(python(sender, seconds), options);
  return Number((await receiving).stdout);
};

describe("a link's fault", () => {
  test("link-cut stops every byte, and its clearing lets them pass again", async () => {
    expect(await carriedBytes(0.5)).toBeGreaterThan(1e6);
    await makeFault(state, orderOf("link-cut"));
    expect(await carriedBytes(0.5)).toBe(0);
    expect(activeFaults(state).map(({ fault }) => fault)).toEqual(["link-cut"]);
    await clearFaults(state);
    expect(await carriedBytes(0.5)).toBeGreaterThan(1e6);
  });

  test("link-cut outlasts the power of a host at its end", async () => {
    await makeFault(state, orderOf("link-cut", { link: "a" }));
    await labPower(state).cycle("B");
    expect(await among("ip", "-br", "link", "show", "dev", "wire-a")).toMatch(/DOWN/);
    await clearFaults(state);
    expect(await among("ip", "-br", "link", "show", "dev", "wire-a")).toMatch(/UP/);
  });

  test("link-slow passes what it says and no more", async () => {
    await makeFault(state, orderOf("link-slow", { mbps: 2 }));
    const bytes = await carriedBytes(2);
    expect(bytes).toBeGreaterThan(50_000);
    // What the sender's own buffers hold is not on the link; the receiver counts what arrived.
    expect((bytes * 8) / 3).toBeLessThan(2.2e6);
    await clearFaults(state);
    expect(await among("tc", "qdisc", "show")).not.toContain("tbf");
  });

  test("link-loss drops the share that it says", async () => {
    await makeFault(state, orderOf("link-loss", { lossRatio: 0.5, link: "a" }));
    const source = await hosts.agent("A");
    const flood = `
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000):
    one.sendto(bytes(64), ("198.18.1.1", 9))
`;
    await source.read(["python3", "-I", "-c", flood], { timeoutMs: 20_000 });
    const rules = await among("nft", "list", "table", "bridge", "fault-wire-a");
    const dropped = Number(/packets (\d+)/.exec(rules)?.[1]);
    // 2000 throws of a coin: five standard deviations to either side.
    expect(dropped).toBeGreaterThan(880);
    expect(dropped).toBeLessThan(1120);
    await clearFaults(state);
    expect(await among("nft", "list", "ruleset")).toBe("");
  });
});

describe("a host's fault", () => {
  test("ssh-blackhole halts open connections and answers no new one, until it is cleared", async () => {
    const own = openHosts(labTestbed(state)!);
    try {
      const agent = await own.agent("C");
      await makeFault(state, orderOf("ssh-blackhole", { host: "C" }));
      await expect(agent.read(["true"], { timeoutMs: 1_000 })).rejects.toThrow(/C/);
      const other = openHosts(labTestbed(state)!);
      const silent = await Promise.race([
        other.agent("C").then(
          () => "answered",
          () => "refused",
        ),
        new Promise((wake) => setTimeout(() => wake("silent"), 1_500)),
      ]);
      expect(silent).toBe("silent");
      await clearFaults(state);
      await other.close();
    } finally {
      await own.close();
    }
    const after = openHosts(labTestbed(state)!);
    expect((await (await after.agent("C")).read(["true"])).exitCode).toBe(0);
    await after.close();
  });

  test("agent-kill ends the agent; the next one answers", async () => {
    const agent = await hosts.agent("D");
    await agent.identity();
    const made = await makeFault(state, orderOf("agent-kill", { host: "D" }));
    expect(made.undoable).toBe(false);
    expect(activeFaults(state)).toEqual([]);
    const again = openHosts(labTestbed(state)!);
    expect((await (await again.agent("D")).identity()).host).toBe("D");
    await again.close();
    await expect(makeFault(state, orderOf("agent-kill", { host: "D", forMs: 5 }))).rejects.toThrow(
      "agent-kill cannot be undone",
    );
  });

  test("power-off ends the host, and its clearing powers it on", async () => {
    const before = readLab(state)!.hosts.D!;
    await makeFault(state, orderOf("power-off", { host: "D" }));
    expect(isAlive(before)).toBe(false);
    await expect(makeFault(state, orderOf("power-off", { host: "D" }))).rejects.toThrow(
      "D: powered off",
    );
    await clearFaults(state);
    expect(isAlive(readLab(state)!.hosts.D!)).toBe(true);
  });
});

test("a fault with a time to last is undone by itself and leaves no process", async () => {
  const before = processesMarked(labMark(state)).length;
  await makeFault(state, orderOf("link-cut", { forMs: 800 }));
  expect(processesMarked(labMark(state)).length).toBe(before + 1);
  await until("its end", () => activeFaults(state).length === 0, 10_000);
  expect(await among("ip", "-br", "link", "show", "dev", "wire-m")).toMatch(/UP/);
  await until("its process's end", () => processesMarked(labMark(state)).length === before, 5_000);
});

test("store-full refuses a disk that is somebody's own", async () => {
  await expect(makeFault(state, orderOf("store-full"))).rejects.toThrow(
    /only one of at most 2048 MiB is filled/,
  );
});
