"""
Unit: how busy the host was while it ran. CPU times and runnable tasks every 100 ms, each stamped, so that
any span of it can be told apart afterwards. CPU times only grow: leaving every second look out loses no
time, and keeps the memory of a unit that runs for long within bounds.
"""
import array
import base64
import time
import zlib

INTERVAL_S = 0.1
LOOKS_KEPT = 3_000
#: user, nice, system, idle, iowait, irq, softirq, steal (man 5 proc).
KINDS = 8


def read():
    """(CPU number -> ticks by kind, tasks running or runnable now, this one among them)."""
    cpus, running = {}, 0
    with open("/proc/stat") as file:
        for line in file:
            fields = line.split()
            if fields[0].startswith("cpu") and fields[0] != "cpu":
                cpus[fields[0][3:]] = [int(field) for field in fields[1:]]
            elif fields[0] == "procs_running":
                running = int(fields[1])
    return cpus, running


def frequency_mhz():
    try:
        with open("/proc/cpuinfo") as file:
            found = [float(line.split(":")[1]) for line in file if line.startswith("cpu MHz")]
    except (OSError, ValueError):
        return None
    return sum(found) / len(found) if found else None


class Looks:
    """Of the CPUs of the first look; one that is offline later keeps its last times."""

    def __init__(self, cpus, kept=LOOKS_KEPT):
        self.cpus = sorted(cpus, key=int)
        self.kept = kept
        self.interval_s = INTERVAL_S
        self.at_us, self.ticks, self.runnable = [], [], []

    def add(self, at_us, cpus, running):
        if len(self.at_us) >= self.kept:
            for column in (self.at_us, self.ticks, self.runnable):
                del column[1::2]
            self.interval_s *= 2
        last = self.ticks[-1] if self.ticks else [0] * (KINDS * len(self.cpus))
        row = array.array("Q")
        for place, cpu in enumerate(self.cpus):
            known = last[place * KINDS : (place + 1) * KINDS]
            row.extend((cpus[cpu] + [0] * KINDS)[:KINDS] if cpu in cpus else known)
        self.at_us.append(at_us)
        self.ticks.append(row)
        self.runnable.append(max(0, running - 1))

    def result(self):
        def packed(data):
            return base64.b64encode(zlib.compress(data, 1)).decode()

        return {
            "cpus": [int(cpu) for cpu in self.cpus],
            "atUs": packed(array.array("q", self.at_us).tobytes()),
            "ticks": packed(b"".join(row.tobytes() for row in self.ticks)),
            "runnable": packed(array.array("I", self.runnable).tobytes()),
        }


def main(_, unit):
    looks = Looks(read()[0])
    frequency = frequency_mhz()

    def look():
        at_us = time.monotonic_ns() // 1000
        looks.add(at_us, *read())

    look()
    unit.emit({"ready": True})
    due = time.monotonic() + looks.interval_s
    while not unit.wait(due - time.monotonic()):
        look()
        due = max(due + looks.interval_s, time.monotonic())
    look()
    return {**looks.result(), "frequencyMhz": frequency}
