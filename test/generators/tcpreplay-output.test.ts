import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseStatistics, parseVersion } from "../../generators/tcpreplay-output.ts";

const transcript = (name: string) => {
  const text = readFileSync(
    new URL(`../transcripts/tcpreplay-4.4/${name}.txt`, import.meta.url),
    "utf8",
  );
  const [head = "", rest = ""] = text.split("--- stdout\n");
  const [stdout = "", stderr = ""] = rest.split("--- stderr\n");
  return { exitCode: Number(/^exit (\d+)$/m.exec(head)?.[1]), stdout, stderr };
};

describe("what tcpreplay printed", () => {
  test("a stream sent whole counts its frames, bytes without FCS and the span at the rated rate", () => {
    expect(parseStatistics(transcript("sent").stdout)).toEqual({
      frames: 20_000,
      bytes: 1_200_000,
      spanUs: 1_999_902,
      refused: { retriedFrames: 0, failedFrames: 0, truncatedFrames: 0 },
    });
  });

  test("frames that the kernel refused are failed frames, though the exit status is 0", () => {
    const { exitCode, stdout } = transcript("device-went-down");
    expect(exitCode).toBe(0);
    expect(parseStatistics(stdout)).toMatchObject({
      frames: 7,
      refused: { failedFrames: 13 },
    });
  });

  test("an interrupted stream counts the frame at which it was interrupted", () => {
    expect(parseStatistics(transcript("interrupted").stdout)).toMatchObject({
      frames: 917,
      bytes: 917 * 60,
    });
  });

  test.each([
    "refused-argument",
    "refused-combination",
    "unknown-device",
    "missing-capture",
    "terminated",
    "frame-beyond-mtu",
  ])("%s prints no statistics", (name) => {
    expect(parseStatistics(transcript(name).stdout)).toBeNull();
  });

  test("the version stands on standard error", () => {
    expect(parseVersion(transcript("version").stderr)).toBe("4.4.3");
    expect(parseVersion("command not found")).toBeNull();
  });
});
