"""
The reduction of per-frame stamps to what a trial needs: distinct frames, duplicates, late and foreign
ones, gaps, lost ranges, arrivals per tick. Fed in order of arrival, piece by piece; its memory grows by
one byte a frame. Whole pieces in sequence are handled by C loops of the interpreter, others frame by frame.
"""
import bisect
import heapq
import operator
import re

#: Gaps shorter than the threshold of which the longest are kept all the same, and bounds of what is kept.
ALWAYS_KEPT = 20
GAPS_KEPT = 10_000
LOST_RANGES_KEPT = 1_000
#: After a pause this near to the last frame's number, a frame may be one that waited out the pause in a queue.
QUEUE_FRAMES = 1_024


class Arrivals:
    def __init__(self, tag, modulus, fps, gap_threshold_us, tick_us, start_us):
        self.tag = tag
        self.modulus = modulus
        self.fps = fps
        self.threshold = gap_threshold_us
        self.tick_us = tick_us
        self.start_us = start_us
        self.frames = self.duplicates = self.late = self.foreign = 0
        self.first = self.highest = None
        self.first_us = self.newest_us = None
        self.anchor = None
        self.seen = bytearray()
        self.ticks = []
        self.gaps = []
        self.stale = 0

    def add(self, times, tags, sequences):
        """Times in µs and not falling, tags, sequence numbers: lists of one length."""
        own = tags.count(self.tag)
        if own < len(tags):
            self.foreign += len(tags) - own
            kept = [index for index, tag in enumerate(tags) if tag == self.tag]
            times = [times[index] for index in kept]
            sequences = [sequences[index] for index in kept]
        if not times:
            return
        first = self.unwrap(times[0], sequences[0])
        if (self.highest is None or first > self.highest) and self.in_sequence(sequences):
            self.add_run(times, first)
        else:
            for arrived, sequence in zip(times, sequences):
                self.add_one(arrived, sequence)

    def in_sequence(self, sequences):
        begin, count = sequences[0], len(sequences)
        if self.modulus is None:
            return sequences == list(range(begin, begin + count))
        until_wrap = self.modulus - begin
        expected = list(range(begin, begin + min(count, until_wrap)))
        while len(expected) < count:
            expected += range(min(count - len(expected), self.modulus))
        return sequences == expected

    def unwrap(self, arrived, sequence):
        """
        The number that a sequence number stands for when the sender counts modulo `modulus`: the one
        next to what time says is due now. After a pause longer than a quarter of the modulus, a
        number right behind the last one, which time alone would put elsewhere, is taken for a frame
        that waited in a queue.
        """
        if self.modulus is None or self.anchor is None:
            return sequence
        number, at = self.anchor
        passed = (arrived - at) * self.fps / 1e6
        due = number + passed
        by_time = sequence + self.modulus * round((due - sequence) / self.modulus)
        if passed > self.modulus / 4:
            behind = self.highest + 1 + (sequence - self.highest - 1) % self.modulus
            if behind - self.highest <= QUEUE_FRAMES and abs(by_time - due) > max(50, passed / 500):
                return behind
        return by_time

    def add_run(self, times, first):
        """A piece whose frames are all new and in sequence."""
        if self.highest is None:
            self.begin(times[0], first)
        else:
            self.note_gap(self.newest_us, times[0], self.highest, first)
        longest = max(map(operator.sub, times[1:], times), default=0)
        if longest > self.worth():
            for index in range(1, len(times)):
                if times[index] - times[index - 1] > self.worth():
                    self.note_gap(times[index - 1], times[index], first + index - 1, first + index)
        count = len(times)
        self.grow(first + count)
        self.seen[first : first + count] = b"\1" * count
        self.frames += count
        self.highest = first + count - 1
        self.newest_us = times[-1]
        self.anchor = (self.highest, times[-1])
        index = 0
        while index < count:
            tick = (times[index] - self.start_us) // self.tick_us
            after = bisect.bisect_left(times, self.start_us + (tick + 1) * self.tick_us, index)
            self.count_tick(tick, after - index)
            index = after

    def add_one(self, arrived, sequence):
        number = self.unwrap(arrived, sequence)
        if self.highest is None:
            self.begin(arrived, number)
        elif number <= self.highest:
            self.stale += 1
            if number < 0 or self.seen[number]:
                self.duplicates += 1
                return
            self.late += 1
        else:
            self.note_gap(self.newest_us, arrived, self.highest, number)
        self.grow(number + 1)
        self.seen[number] = 1
        self.frames += 1
        self.first = min(self.first, number)
        if number > self.highest or self.frames == 1:
            self.highest = number
            self.newest_us = arrived
            self.anchor = (number, arrived)
        self.count_tick((arrived - self.start_us) // self.tick_us, 1)

    def begin(self, arrived, number):
        self.first = self.highest = number
        self.first_us = self.newest_us = arrived

    def grow(self, length):
        if length > len(self.seen):
            self.seen.extend(bytes(length - len(self.seen)))

    def count_tick(self, tick, count):
        tick = max(0, tick)
        if tick >= len(self.ticks):
            self.ticks.extend([0] * (tick + 1 - len(self.ticks)))
        self.ticks[tick] += count

    def worth(self):
        """Pauses beyond this are kept: the threshold, or less while fewer than ALWAYS_KEPT longer ones are known."""
        if len(self.gaps) < ALWAYS_KEPT:
            return 0
        if len(self.gaps) >= GAPS_KEPT:
            return self.gaps[0][0]
        return min(self.threshold, self.gaps[0][0])

    def note_gap(self, begin, end, last, new):
        length = end - begin
        stale, self.stale = self.stale, 0
        if length <= self.worth():
            return
        heapq.heappush(self.gaps, (length, begin, end, last, new, stale))
        # Short ones make room for longer ones; those above the threshold stay, up to the bound.
        if len(self.gaps) > GAPS_KEPT or (
            len(self.gaps) > ALWAYS_KEPT and self.gaps[0][0] <= self.threshold
        ):
            heapq.heappop(self.gaps)

    def lost_ranges(self):
        """The longest ranges of numbers between first and highest that never came, in order."""
        if self.highest is None:
            return []
        runs = []
        for at_least in (64, 8, 2, 1):
            pattern = re.compile(b"\0{%d,}" % at_least)
            runs = [found.span() for found in pattern.finditer(self.seen, self.first, self.highest)]
            if len(runs) >= LOST_RANGES_KEPT:
                break
        longest = heapq.nlargest(LOST_RANGES_KEPT, runs, key=lambda span: span[1] - span[0])
        return [[begin, end - 1] for begin, end in sorted(longest)]

    def summary(self):
        return {
            "frames": self.frames,
            "duplicates": self.duplicates,
            "late": self.late,
            "foreign": self.foreign,
            "firstUs": self.first_us,
            "lastUs": self.newest_us,
            "firstSequence": self.first,
            "lastSequence": self.highest,
            "ticks": {"startUs": self.start_us, "tickMs": self.tick_us / 1000, "frames": self.ticks},
            "gapThresholdUs": self.threshold,
            "gaps": [
                {
                    "startUs": begin,
                    "endUs": end,
                    "lost": self.seen.count(0, last + 1, new),
                    "stale": stale,
                }
                for _, begin, end, last, new, stale in sorted(self.gaps, key=lambda gap: gap[1])
            ],
            "lostRanges": self.lost_ranges(),
        }
