import { execa } from "execa";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { labDown, labPower, labStatus, labTestbed } from "../../lab/lab.ts";
import { labMark } from "../../lab/namespace-host.ts";
import { processesMarked, until } from "../../lab/processes.ts";
import { readLab, type LabState } from "../../lab/records.ts";
import { openHosts } from "../../remote/hosts.ts";
import { bareFile, testState, upLab } from "./own-lab.ts";

const state = testState("lab");
const other = testState("other-lab");

/** What the machine itself sees: none of it may know of a lab. */
const machine = async () => ({
  links: (await execa("ip", ["-br", "link"])).stdout,
  mounts: readFileSync("/proc/self/mountinfo", "utf8"),
  named: existsSync("/run/netns"),
});
/** Namespaces that this lab made and somebody still holds. */
const namespacesOf = async (made: ReadonlySet<string>) => {
  const { stdout } = await execa("lsns", ["-n", "-o", "NS"]);
  return stdout.split("\n").filter((id) => made.has(id.trim()));
};
const namespacesMade = (lab: LabState) =>
  new Set(
    Object.values(readLab(lab)?.hosts ?? {}).flatMap((host) =>
      Object.values(host?.namespaces ?? {}).map((text) => /\d+/.exec(text)?.[0] ?? ""),
    ),
  );

const onHost = async (host: "A" | "R1", argv: readonly string[]) => {
  const hosts = openHosts(labTestbed(state)!);
  try {
    return await (await hosts.agent(host)).read(argv);
  } finally {
    await hosts.close();
  }
};

beforeEach(() => labDown(state));
afterEach(async () => {
  await labDown(state);
  await labDown(other);
});

describe("a lab", () => {
  test("leaves neither process, namespace, interface nor mount behind", async () => {
    const before = await machine();
    await upLab(state, bareFile);
    const made = namespacesMade(state);
    expect(made.size).toBe(28);
    expect(await namespacesOf(made)).not.toEqual([]);
    expect(await machine()).toEqual(before);
    await labDown(state);
    expect(await machine()).toEqual(before);
    expect(await namespacesOf(made)).toEqual([]);
    expect(processesMarked(labMark(state))).toEqual([]);
    expect(existsSync(state.lab)).toBe(false);
    expect(labStatus(state).status).toBe("down");
  });

  test("is found and taken down when its records are lost", async () => {
    await upLab(state, bareFile);
    const made = namespacesMade(state);
    rmSync(state.lab, { recursive: true });
    expect(labStatus(state).status).toBe("damaged");
    await labDown(state);
    expect(processesMarked(labMark(state))).toEqual([]);
    expect(await namespacesOf(made)).toEqual([]);
  });

  test("is taken down after the process that was bringing it up was killed midway", async () => {
    const script = `
      import { labUp } from ${JSON.stringify(join(import.meta.dirname, "../../lab/lab.ts"))};
      await labUp(${JSON.stringify(state)}, ${JSON.stringify(bareFile)}, { log: () => undefined });`;
    const bringing = execa("node", ["--input-type=module", "-e", script], { reject: false });
    await until("the first hosts", () => processesMarked(labMark(state)).length > 3, 20_000);
    bringing.kill("SIGKILL");
    await bringing;
    expect(labStatus(state).status).not.toBe("up");
    await labDown(state);
    expect(processesMarked(labMark(state))).toEqual([]);
    await upLab(state, bareFile);
    expect(labStatus(state).status).toBe("up");
  });

  test("that is up as its file wants is left as it is", async () => {
    await upLab(state, bareFile);
    const before = readLab(state);
    await upLab(state, bareFile);
    expect(readLab(state)).toEqual(before);
    await upLab(state, { ...bareFile, lineRateMbpsL1: 100 });
    expect(readLab(state)?.hosts.A?.bootId).not.toBe(before?.hosts.A?.bootId);
  });

  test("coexists with the lab of another state folder", async () => {
    await Promise.all([upLab(state, bareFile), upLab(other, bareFile)]);
    await labDown(other);
    expect(labStatus(state).status).toBe("up");
    expect((await onHost("A", ["ip", "-br", "address", "show", "dev", "eth0"])).stdout).toContain(
      "198.18.1.10/24",
    );
  });
});

describe("a namespace host", () => {
  test("has a view of its own: boot id, interfaces, /run, and no way to the machine's sysrq", async () => {
    await upLab(state, bareFile);
    const { stdout } = await onHost("R1", [
      "sh",
      "-c",
      "cat /proc/sys/kernel/random/boot_id; hostname; ls /sys/class/net; ls /run; [ -c /proc/sysrq-trigger ] || [ ! -e /proc/sysrq-trigger ] && echo harmless",
    ]);
    const lines = stdout.trim().split("\n");
    expect(lines.slice(0, 2)).toEqual([readLab(state)?.hosts.R1?.bootId, "R1"]);
    expect(lines).toEqual(expect.arrayContaining(["eth-a", "br-d", "eth-m", "harmless"]));
    expect(lines).not.toContain("netns");
  });

  test("is switched off with all its processes, and comes back wired and with a new boot id", async () => {
    await upLab(state, bareFile);
    const power = labPower(state);
    const before = readLab(state)?.hosts.R1;
    await power.off("R1");
    expect(await power.state("R1")).toBe("off");
    expect(labStatus(state).hosts.R1?.power).toBe("off");
    await expect(onHost("R1", ["true"])).rejects.toThrow(/R1/);
    await power.on("R1");
    expect(await power.state("R1")).toBe("on");
    const links = await onHost("R1", ["ip", "-br", "link"]);
    expect(links.stdout).toMatch(/^eth-m@\S+\s+UP/m);
    expect(readLab(state)?.hosts.R1?.bootId).not.toBe(before?.bootId);
    await power.cycle("R1");
    expect(await power.state("R1")).toBe("on");
  });

  test("that died by itself reads as off and is a damage of the lab", async () => {
    await upLab(state, bareFile);
    process.kill(readLab(state)!.hosts.A!.pid, "SIGKILL");
    await until("its end", () => labStatus(state).hosts.A?.power === "off", 5_000);
    expect(labStatus(state).status).toBe("damaged");
    await labPower(state).on("A");
    expect(labStatus(state).status).toBe("up");
  });

  test("sends at the line rate with preamble, gap and FCS counted", async () => {
    await upLab(state, { ...bareFile, lineRateMbpsL1: 100 });
    const { stdout } = await onHost("A", ["tc", "-d", "qdisc", "show", "dev", "eth0"]);
    expect(stdout).toMatch(/tbf .*rate 100Mbit .*mpu 84b .*overhead 24/);
  });

  test("of an unknown name is refused with the known ones", async () => {
    await upLab(state, bareFile);
    await expect(labPower(state).off("R9")).rejects.toThrow(/no host R9 .* A, B, C, D, R1, R2/);
  });
});
