"""
Unit: the packet sink. Takes the arrival time (the kernel's stamp), tag and sequence number of every
frame of the flow, and reduces them by `Arrivals`. While frames come it only copies columns out of the
ring; it reduces when none have come for a while, or when much has gathered, so that it costs
little CPU in the load phase.
"""
import array
import base64
import struct
import time
import zlib

from agent.arrivals import Arrivals
from agent.ring import RETIRE_MS, Ring, refuse_quietly
from agent.wrapper import prefer

#: Ethernet, IPv4 without options and UDP headers.
HEADERS = 14 + 20 + 8
#: With magic, tag and sequence number.
SNAPLEN = HEADERS + 10
IDLE_S = 0.1
BACKLOG_FRAMES = 1_500_000


def wall_offset_ns():
    """Monotonic minus wall clock, by the tightest of a few looks."""
    looks = []
    for _ in range(9):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        looks.append((after - before, (before + after) // 2 - wall))
    return min(looks)[1]


def columns(frames, block):
    """(seconds, nanoseconds, tags, sequences) of a block. Tags and sequences are in network order still."""
    if frames > 1 and len(block) % 4 == 0:
        words = memoryview(block).cast("I")
        stride = words[0] // 4
        mac = struct.unpack_from("=H", block, 24)[0]
        payload = mac + HEADERS + 2
        whole = words[3] == SNAPLEN and payload % 4 == 0
        if whole and array.array("I", words[0::stride].tolist()[: frames - 1]).count(words[0]) == frames - 1:
            return [
                array.array("I", words[start::stride].tolist()[:frames])
                for start in (1, 2, payload // 4, payload // 4 + 1)
            ]
    return walk(frames, block)


def walk(frames, block):
    """As `columns`, for blocks whose frames are not all of one size. A frame too short for a tag has tag zero."""
    found = [array.array("I") for _ in range(4)]
    offset = 0
    for _ in range(frames):
        following, seconds, nanoseconds, length = struct.unpack_from("=4I", block, offset)
        payload = offset + struct.unpack_from("=H", block, offset + 24)[0] + HEADERS + 2
        tag, sequence = struct.unpack_from("=2I", block, payload) if length >= SNAPLEN else (0, 0)
        for column, value in zip(found, (seconds, nanoseconds, tag, sequence)):
            column.append(value)
        offset += following
    return found


class Reduction:
    def __init__(self, arrivals, offset_ns, keep_raw):
        self.arrivals = arrivals
        self.offset_ns = offset_ns
        self.pending = []
        self.frames = 0
        self.raw_times = array.array("q") if keep_raw else None
        self.raw_sequences = array.array("I")

    def take(self, frames, block):
        self.pending.append(columns(frames, block))
        self.frames += frames

    def reduce_oldest(self):
        seconds, nanoseconds, tags, sequences = self.pending.pop(0)
        self.frames -= len(seconds)
        # One second is taken out, so that most of the sums are of small numbers.
        base = seconds[0]
        base_us = (base * 1_000_000_000 + self.offset_ns) // 1000
        times = [
            base_us + (second - base) * 1_000_000 + nanosecond // 1000
            for second, nanosecond in zip(seconds, nanoseconds)
        ]
        tags.byteswap()
        sequences.byteswap()
        if self.raw_times is not None:
            self.raw_times.extend(times)
            self.raw_sequences.extend(sequences)
        self.arrivals.add(times, tags.tolist(), sequences.tolist())

    def raw(self):
        if self.raw_times is None:
            return None
        return {
            "arrivalUs": base64.b64encode(zlib.compress(self.raw_times.tobytes(), 1)).decode(),
            "sequence": base64.b64encode(zlib.compress(self.raw_sequences.tobytes(), 1)).decode(),
        }


def main(args, unit):
    prefer()
    quiet = refuse_quietly(args["port"])
    ring = Ring(args["device"], args["port"], SNAPLEN, args["ringBytes"])
    offset = wall_offset_ns()
    reduction = Reduction(
        Arrivals(
            args["tag"], args["sequenceModulus"], args["fps"], args["gapThresholdUs"],
            int(args["tickMs"] * 1000), time.monotonic_ns() // 1000,
        ),
        offset,
        args["keepRaw"],
    )
    unit.emit({"ready": True})
    last = time.monotonic()
    while not unit.stopping():
        block = ring.take()
        if block is not None:
            reduction.take(*block)
            last = time.monotonic()
        elif reduction.pending and (
            reduction.frames > BACKLOG_FRAMES or time.monotonic() - last > IDLE_S
        ):
            reduction.reduce_oldest()
        else:
            ring.wait([unit], IDLE_S if reduction.pending else 1.0)
            ring.clear_error()
    # The block that is being filled is handed over once the kernel's timer retires it.
    until = time.monotonic() + (RETIRE_MS + 10) / 1000
    while time.monotonic() < until:
        block = ring.take()
        if block is None:
            ring.wait([], until - time.monotonic())
        else:
            reduction.take(*block)
    dropped = ring.dropped()
    while reduction.pending:
        reduction.reduce_oldest()
    quiet.close()
    last_offset = wall_offset_ns()
    return {
        **reduction.arrivals.summary(),
        "socketDrops": dropped,
        "clockStepUs": abs(last_offset - offset) // 1000,
        "clockOffsetUs": {"start": offset / 1000, "end": last_offset / 1000},
        "raw": reduction.raw(),
    }
