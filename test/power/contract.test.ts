/** What every implementation of power must do, against a process that keeps its state in a file. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { commandPower } from "../../power/command.ts";
import { ipmiPower } from "../../power/ipmi.ts";
import type { Power } from "../../power/power.ts";

const folder = mkdtempSync(join(tmpdir(), "longhaul-power-"));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
/** A program that reads and writes `on` or `off` in its file, and logs its arguments. */
function program(body: string) {
  const path = join(folder, `power-${++count}`);
  writeFileSync(`${path}.state`, "on");
  writeFileSync(`${path}.log`, "");
  writeFileSync(path, `#!/bin/sh\necho "$*" >>'${path}.log'\nstate='${path}.state'\n${body}\n`);
  chmodSync(path, 0o755);
  return {
    path,
    set: (state: string) => writeFileSync(`${path}.state`, state),
    is: () => readFileSync(`${path}.state`, "utf8").trim(),
    log: () => readFileSync(`${path}.log`, "utf8"),
  };
}

const plain = 'case "$1" in status) echo "R1 is $(cat $state)";; on|off) echo $1 >$state;; esac';
/** What ipmitool 1.8.19 said to a simulated management controller (OpenIPMI's ipmi_sim, lanplus). */
const recorded = join(import.meta.dirname, "../transcripts/ipmitool-1.8.19");
const ipmitool = `says() { cat "${recorded}/$1.stderr.txt" >&2; cat "${recorded}/$1.stdout.txt"; }
for verb; do :; done
case "$verb" in
  status) says "status-$(cat $state)";;
  on) says on; echo on >$state;;
  off) says off; echo off >$state;;
esac`;
const deaf = (text: string) => text.replaceAll(">$state", ">/dev/null");
const refusing = (how: string) => `cat '${recorded}/${how}.stderr.txt' >&2; exit 1`;

const access = { address: "192.0.2.7", user: "longhaul", passwordFile: "/etc/longhaul/r1" };
const implementations: [string, string, (path: string) => Power][] = [
  ["a command", plain, (path) => commandPower(() => [path], { readBackMs: 100 })],
  ["IPMI", ipmitool, (path) => ipmiPower(() => access, { ipmitool: path, readBackMs: 100 })],
];

describe.each(implementations)("power by %s", (_name, body, powerOf) => {
  test("reads back what is true", async () => {
    const button = program(body);
    expect(await powerOf(button.path).state("R1")).toBe("on");
    button.set("off");
    expect(await powerOf(button.path).state("R1")).toBe("off");
  });

  test("switches in both directions, and orders nothing that is so already", async () => {
    const button = program(body);
    const power = powerOf(button.path);
    await power.off("R1");
    expect(button.is()).toBe("off");
    const ordered = button.log().match(/off$/gm)?.length;
    await power.off("R1");
    expect(button.log().match(/off$/gm)).toHaveLength(ordered ?? -1);
    await power.on("R1");
    expect(button.is()).toBe("on");
  });

  test("a cycle passes through off, and turns on a host that was off", async () => {
    const button = program(body);
    const power = powerOf(button.path);
    await power.cycle("R1");
    expect(button.log().match(/(on|off)$/gm)).toEqual(["off", "on"]);
    button.set("off");
    await power.cycle("R1");
    expect(button.is()).toBe("on");
  });

  test("what was accepted but reads otherwise is an error, not a success", async () => {
    const button = program(deaf(body));
    await expect(powerOf(button.path).cycle("R1")).rejects.toThrow(
      "R1: power off was accepted, but 100 ms later it still reads otherwise",
    );
  });

  test("a refusal is told with the program's own words", async () => {
    const button = program(refusing("nobody-answers"));
    await expect(powerOf(button.path).state("R1")).rejects.toThrow(
      /exited 1\nstderr:\nError: Unable/,
    );
  });

  test("a state that is neither on nor off is no state", async () => {
    const button = program("echo 'Chassis Power is unknown'");
    await expect(powerOf(button.path).state("R1")).rejects.toThrow(/neither on nor off/);
  });

  test("a program that is not there has no exit status", async () => {
    await expect(powerOf(join(folder, "missing")).state("R1")).rejects.toMatchObject({
      name: "NoExitStatus",
    });
  });
});

test("IPMI names controller, user and password file, and no password", async () => {
  const button = program(ipmitool);
  await ipmiPower(() => access, { ipmitool: button.path }).state("R1");
  expect(button.log()).toBe(
    "-I lanplus -H 192.0.2.7 -U longhaul -f /etc/longhaul/r1 chassis power status\n",
  );
});

test.each(["wrong-password", "no-password-file"])(
  "what ipmitool says of a %s is an error with its words, never a state",
  async (how) => {
    const button = program(refusing(how));
    const power = ipmiPower(() => access, { ipmitool: button.path });
    await expect(power.state("R1")).rejects.toThrow(
      readFileSync(join(recorded, `${how}.stderr.txt`), "utf8").trim(),
    );
  },
);
