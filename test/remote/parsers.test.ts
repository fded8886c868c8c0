import fc from "fast-check";
import { expect, test } from "vitest";
import { agentSocket } from "../../remote/agent-program.ts";
import { fastestOffset } from "../../remote/clock.ts";
import { parseSnmpIp, parseSoftnetStat } from "../../remote/counter-snapshot.ts";
import { shellWord } from "../../remote/shell-word.ts";

const uint32 = fc.nat(0xffffffff);
const hex = (value: number) => value.toString(16).padStart(8, "0");

test("softnet columns are read by position, and a CPU by its own number from 13 columns on", () => {
  const line = fc.record({ cpu: fc.nat(511), dropped: uint32, timeSqueeze: uint32 });
  const lines = fc.uniqueArray(line, { selector: (one) => one.cpu, minLength: 1 });
  fc.assert(
    fc.property(lines, fc.constantFrom(9, 10, 11, 13, 15), (cpus, columns) => {
      const text = cpus
        .map(({ cpu, dropped, timeSqueeze }) => {
          const fields = Array.from({ length: columns }, () => 0);
          fields[1] = dropped;
          fields[2] = timeSqueeze;
          if (columns >= 13) fields[12] = cpu;
          return fields.map(hex).join(" ");
        })
        .join("\n");
      const expected = cpus.map((one, index) => ({ ...one, cpu: columns >= 13 ? one.cpu : index }));
      expect(parseSoftnetStat(`${text}\n`)).toEqual(expected);
    }),
  );
});

test("the Ip lines of snmp pair names and values, and other protocols stay out", () => {
  const text = "Ip: Forwarding ForwDatagrams InDiscards\nIp: 1 300 7\nIcmp: InMsgs\nIcmp: 4\n";
  expect(parseSnmpIp(text)).toEqual({ Forwarding: 1, ForwDatagrams: 300, InDiscards: 7 });
  expect(parseSnmpIp("")).toEqual({});
});

test("the fastest round trip tells the offset, with half of itself as the uncertainty", () => {
  const trips = [
    { sentUs: 1_000, hostUs: 50, receivedUs: 1_400 },
    { sentUs: 2_000, hostUs: 900, receivedUs: 2_100 },
  ];
  expect(fastestOffset("A", trips)).toEqual({ host: "A", offsetUs: 1_150, uncertaintyUs: 50 });
  expect(() => fastestOffset("A", [])).toThrow(RangeError);
});

test("a word for the shell is quoted when it needs to be", () => {
  expect(shellWord("/usr/bin/python3")).toBe("/usr/bin/python3");
  expect(shellWord("it's $HOME")).toBe(`'it'\\''s $HOME'`);
  expect(shellWord("")).toBe("''");
});

test("a run folder too long for a socket is refused with its path", () => {
  const folder = `/run/${"x".repeat(100)}`;
  expect(() => agentSocket(folder, "0123456789ab")).toThrow("longer than 107 bytes");
});
