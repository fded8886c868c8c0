import { describe, expect, test } from "vitest";
import type { Stream } from "../../generators/generator.ts";
import { framesInCapture } from "../../generators/capture.ts";
import { streamFrames, tcpreplay, tcpreplayOptions } from "../../generators/tcpreplay.ts";
import type { Testbed } from "../../model/testbed.ts";
import { CommandFailed, NoExitStatus } from "../../remote/shell.ts";
import { scriptedAgent } from "./scripted-agent.ts";

const stream: Stream = {
  tag: 7,
  source: "A",
  device: "eth-a",
  sourceMac: "02:00:00:00:00:01",
  destinationMac: "02:00:00:00:00:02",
  sourceIp: "198.18.1.2",
  destinationIp: "198.18.2.2",
  udpPort: 9,
  frameSizeBytes: 64,
  fps: 10_000,
  durationMs: 2000,
};
const fence = { token: 1, bootIds: { A: "boot" } };
const testbed = { runFolder: "/run/longhaul" } as Testbed;
const statistics =
  "Actual: 20000 packets (1200000 bytes) sent in 1.99 seconds\nRated: 600029.4 Bps, 4.80 Mbps, 10000.49 pps\n\tSuccessful packets:        20000\n";
const sent = {
  argv: ["tcpreplay", "--pps=10000.000"],
  exitCode: 0,
  stdout: statistics,
  stderr: "",
  startUs: 1_000_000,
};
const refused = { ...sent, exitCode: 1, stdout: "", stderr: "illegal option", startUs: null };

describe("tcpreplay", () => {
  test("exactly rate times duration is asked for, whatever the capture holds", () => {
    expect(streamFrames({ ...stream, fps: 148_809.52, durationMs: 3000 })).toBe(446_429);
    expect(tcpreplayOptions(stream)).toEqual([
      "tcpreplay",
      "--intf1=eth-a",
      "--preload-pcap",
      "--no-flow-stats",
      "--pps=10000.000",
      "--loop=2",
      "--limit=20000",
    ]);
  });

  test("a capture holds 65,536 small frames, and as many large ones as fit 16 MiB", () => {
    expect([64, 128, 256, 512, 1518].map(framesInCapture)).toEqual([
      65_536, 65_536, 32_768, 16_384, 8192,
    ]);
  });

  test("start asks the held generator over its socket, and starts nothing on the host", async () => {
    const { hosts, asked, orders } = scriptedAgent({ log: [], result: null, says: ["sending"] });
    await tcpreplay(testbed, hosts).start(fence, "c.t.a1.load", stream);
    expect(asked).toEqual([
      [
        expect.stringMatching(/^\/run\/longhaul\/generator\/[0-9a-f]{16}\.start$/),
        [{ send: "go", until: "^sending$" }],
      ],
    ]);
    expect(orders).toEqual([]);
  });

  test("load begins what prepare waits for: the same unit", async () => {
    const { hosts, orders } = scriptedAgent({ log: [{ kind: "ready", atUs: 1 }], result: null });
    const generator = tcpreplay(testbed, hosts);
    await generator.load(fence, "c.t.a1.load", stream);
    await generator.prepare(fence, "c.t.a1.load", stream);
    expect(orders).toHaveLength(2);
    expect(orders[0]).toEqual(orders[1]);
  });

  test("its deadline is beyond the phases that it is held back for", async () => {
    const deadlineOf = async (heldMs?: number) => {
      const { hosts, orders } = scriptedAgent({ log: [], result: null });
      const held = heldMs === undefined ? stream : { ...stream, heldMs };
      await tcpreplay(testbed, hosts).load(fence, "c.t.a1.load", held);
      return orders[0]?.deadlineMs ?? 0;
    };
    expect(await deadlineOf(3_600_000)).toBe((await deadlineOf()) + 3_600_000);
  });

  test("refused arguments fail at prepare, in the generator's own words", async () => {
    const { hosts } = scriptedAgent({ log: [], result: refused });
    const prepared = tcpreplay(testbed, hosts).prepare(fence, "load", stream);
    await expect(prepared).rejects.toThrow(CommandFailed);
    await expect(prepared).rejects.toThrow(/A: `tcpreplay .*` exited 1\nstderr:\nillegal option/);
  });

  test("a generator that ends before a frame left is a fault of start, never loss", async () => {
    const { hosts } = scriptedAgent({ log: [], result: refused });
    await expect(tcpreplay(testbed, hosts).start(fence, "load", stream)).rejects.toThrow(
      CommandFailed,
    );
  });

  test("finish tells the sender's counter and then what was sent, over whole intervals", async () => {
    const { hosts } = scriptedAgent({
      log: [
        { kind: "ready", atUs: 1 },
        { kind: "frames", frames: 5 },
        { kind: "frames", frames: 20_000 },
      ],
      result: sent,
    });
    const seen: number[] = [];
    const offered = await tcpreplay(testbed, hosts).finish("load", stream, (frames) =>
      seen.push(frames),
    );
    expect(seen).toEqual([5, 20_000]);
    expect(offered).toEqual({
      intendedFps: 10_000,
      frames: 20_000,
      bytes: 1_200_000,
      startUs: 1_000_000,
      endUs: 1_000_000 + 1_999_902 + 100,
      executed: "tcpreplay --pps=10000.000",
      refused: { retriedFrames: 0, failedFrames: 0, truncatedFrames: 0 },
    });
  });

  test("a load unit that was killed leaves no count: nobody knows what was sent", async () => {
    const { hosts } = scriptedAgent({ log: [], result: null, status: "deadline" });
    await expect(tcpreplay(testbed, hosts).finish("load", stream, () => 0)).rejects.toThrow(
      NoExitStatus,
    );
    expect(await tcpreplay(testbed, hosts).offered("load", stream)).toBeNull();
  });

  test("collect takes the offered load only of a generator that ended well", async () => {
    const well = scriptedAgent({ log: [], result: sent });
    expect(await tcpreplay(testbed, well.hosts).offered("load", stream)).toMatchObject({
      frames: 20_000,
    });
    const badly = scriptedAgent({ log: [], result: refused });
    expect(await tcpreplay(testbed, badly.hosts).offered("load", stream)).toBeNull();
  });
});
