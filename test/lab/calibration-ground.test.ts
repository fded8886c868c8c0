import { expect, test } from "vitest";
import { calibrationGround, testbedOf } from "../../lab/testbed.ts";
import type { LabRecord } from "../../lab/records.ts";
import { bareFile, testState } from "./own-lab.ts";

const lab = (machines: LabRecord["file"]["machines"]) =>
  ({ file: { ...bareFile, machines }, hostKeySha256: "SHA256:x", images: {} }) as LabRecord;
const state = testState("calibration-ground");

test("where R1 is a namespace, the generator is calibrated on R1 itself", () => {
  expect(calibrationGround(state, lab(undefined))).toEqual(testbedOf(state, lab(undefined)));
});

test("where R1 is a machine, the far end of A's cable takes the frames in, among the wires", () => {
  const { R1, A } = calibrationGround(state, lab({ bootProfile: "xen" })).hosts;
  expect(R1.nics.find(({ link }) => link === "a")).toMatchObject({
    device: "A-a",
    bridge: "wire-a",
  });
  expect(R1.reach).toMatchObject({ kind: "proxy", command: [expect.any(String), "wires"] });
  expect(R1.ownClock).toBe(A.ownClock);
});
