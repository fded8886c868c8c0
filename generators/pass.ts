/** One stream from its source to a receiver, without anything else that a trial has around it. */
import type { OfferedLoad } from "../model/measurement.ts";
import type { Fence } from "../remote/agent.ts";
import type { Generator, Stream } from "./generator.ts";
import type { Received, Receiver, ReceivingEnd } from "./receiver.ts";

export interface Passage {
  readonly stream: Stream;
  readonly end: ReceivingEnd;
  /** Prefix of the units' names; unique on the hosts' boot. */
  readonly unit: (what: "load" | "sink") => string;
  /** The receiver's, from its start. */
  readonly deadlineMs: number;
  /** Waits for frames that are still under way when the load has ended. */
  readonly drained: () => Promise<void>;
  readonly keepRaw?: boolean;
}

export async function passStream(
  {
    generator,
    receiver,
  }: {
    readonly generator: Pick<Generator, "sequenceModulus" | "prepare" | "start" | "finish">;
    readonly receiver: Receiver;
  },
  fence: Fence,
  { stream, end, unit, deadlineMs, drained, keepRaw = false }: Passage,
): Promise<{ offered: OfferedLoad; received: Received }> {
  const { tag, udpPort, fps } = stream;
  const sequenceModulus = generator.sequenceModulus(stream);
  const expected = { tag, udpPort, fps, sequenceModulus, deadlineMs, keepRaw };
  await Promise.all([
    receiver.start(fence, unit("sink"), end, expected),
    generator.prepare(fence, unit("load"), stream),
  ]);
  await generator.start(fence, unit("load"), stream);
  const offered = await generator.finish(unit("load"), stream, () => undefined);
  await drained();
  return { offered, received: await receiver.collect(fence, unit("sink"), end) };
}
