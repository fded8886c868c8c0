/** The plain script as a child process: orders in, results out, one JSON line each. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { framesInCapture } from "../generators/capture.ts";
import type { Stream } from "../generators/generator.ts";
import { tcpreplayOptions } from "../generators/tcpreplay.ts";
import { guestFiles, qemuCommandLine } from "../hypervisors/kvm-command-line.ts";
import { migrationAddress, tapOf } from "../hypervisors/wiring.ts";
import type { HostRecord } from "../lab/records.ts";
import type { GuestSpec } from "../model/guest.ts";
import { hostNames } from "../model/testbed.ts";
import type { HostName, Testbed } from "../model/testbed.ts";
import { captureBytes } from "../model/units.ts";
import { endAddress, endNic } from "../activities/flow.ts";

export interface ScriptTrial {
  readonly wallMs: number;
  readonly parts: Readonly<Record<string, number>>;
  readonly received: number;
  readonly status?: string;
  readonly migrationMs?: number;
}

export interface PlainScript {
  forwarding(stream: Stream, drainMs: number): Promise<ScriptTrial>;
  migration(
    stream: Stream,
    move: { guest: GuestSpec; source: "R1" | "R2"; marginMs: number; drainMs: number },
  ): Promise<ScriptTrial>;
  close(): void;
}

export function plainScript(
  testbed: Testbed,
  hosts: Readonly<Partial<Record<HostName, HostRecord | null>>>,
  folder: string,
): PlainScript {
  const child = spawn("python3", ["-I", "-S", join(import.meta.dirname, "plain_trial.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (order: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const { value, done } = await lines.next();
    if (done === true) throw new Error("the plain script ended");
    return JSON.parse(value) as unknown;
  };
  const pids = Object.fromEntries(hostNames.map((name) => [name, hosts[name]?.pid ?? 0]));
  const common = async (stream: Stream, drainMs: number) => {
    const frames = framesInCapture(stream.frameSizeBytes);
    const path = `${folder}/plain.pcap`;
    // One capture for all of its trials, made before they are timed: it has one tag only.
    await ask({
      ...{ kind: "capture", path, flow: stream, frames },
      length: captureBytes(stream.frameSizeBytes),
    });
    return {
      hosts: pids,
      counted: ["A", "B", "R1", "R2"],
      intervalMs: 10,
      drainMs,
      capture: path,
      generator: tcpreplayOptions(stream),
      record: `${folder}/plain.json`,
      sink: {
        ...{ device: endNic(testbed, "B").device, port: stream.udpPort, tag: stream.tag },
        ...{ fps: stream.fps, sequenceModulus: frames, gapThresholdUs: 10_000, tickMs: 10 },
        ...{ keepRaw: false, ringBytes: 64 << 20 },
      },
      rtt: {
        ...{ destination: endAddress(testbed, "D"), source: endAddress(testbed, "C") },
        ...{ intervalMs: 10, lastReplyMs: 300 },
      },
    };
  };
  return {
    forwarding: async (stream, drainMs) =>
      (await ask({ kind: "forwarding", ...(await common(stream, drainMs)) })) as ScriptTrial,
    migration: async (stream, { guest, source, marginMs, drainMs }) => {
      const destination = source === "R1" ? "R2" : "R1";
      const files = guestFiles(testbed.runFolder, guest.name);
      const image = testbed.images[guest.image];
      if (image === undefined || testbed.accelerator === null)
        throw new Error("the lab has no guest image or accelerator");
      const uri = `tcp:${migrationAddress(testbed, destination)}:4444`;
      const start = { model: "virtio", accelerator: testbed.accelerator, image } as const;
      const driver = (file: string) =>
        readFileSync(join(import.meta.dirname, "../hypervisors", file), "utf8");
      return (await ask({
        kind: "migration",
        ...(await common(stream, drainMs)),
        marginMs,
        source: pids[source],
        destination: pids[destination],
        folder: files.folder,
        taps: guest.nics.map((nic) => [tapOf(nic), nic.bridge]),
        qemu: qemuCommandLine(guest, { ...start, runFolder: testbed.runFolder, incoming: uri }),
        migrate: `${driver("qmp.py")}\n\n${driver("kvm-migration.py")}`,
        order: { monitor: files.migrationMonitor, uri, deadlineMs: 60_000, pollMs: 20 },
      })) as ScriptTrial;
    },
    close: () => child.stdin.end(),
  };
}
