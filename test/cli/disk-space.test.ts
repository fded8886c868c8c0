import { statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { diskText, refuseFullDisk } from "../../cli/disk-space.ts";
import type { Plan } from "../../model/plan.ts";

const forecast = (bytes: number) => ({ estimate: { bytes } }) as Pick<Plan, "estimate">;
const folder = join(tmpdir(), "not", "made", "yet");
const { bavail, bsize } = statfsSync(tmpdir());
const beyond = 2 * bavail * bsize;

test("a campaign that could fill the disk is refused with what is free and what it may need", () => {
  expect(() => refuseFullDisk(folder, forecast(beyond), {})).toThrow(
    /not\/made\/yet: [\d.]+ [GM]B free on its disk, and this campaign may need [\d.]+ [GM]B .*--state/,
  );
});

test("results that go to a real PostgreSQL need no room in the state folder", () => {
  const env = { DATABASE_URL: "postgresql://db.example/results" };
  expect(() => refuseFullDisk(folder, forecast(beyond), env)).not.toThrow();
});

test("a plan says beforehand that it will be refused", () => {
  expect(diskText({ path: "/s", freeBytes: 1e9, neededBytes: 5e8 })).toBe("  1 GB are free at /s");
  expect(diskText({ path: "/s", freeBytes: 1e8, neededBytes: 5e8 })).toContain("will refuse");
});
