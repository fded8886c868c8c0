"""Unit: how busy the host was while it ran. CPU times at start and end, runnable tasks every 100 ms in between."""
import time

INTERVAL_S = 0.1


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


def main(_, unit):
    begun, _running = read()
    frequency = frequency_mhz()
    runnable = []
    unit.emit({"ready": True})
    due = time.monotonic() + INTERVAL_S
    while not unit.wait(due - time.monotonic()):
        runnable.append(max(0, read()[1] - 1))
        due = max(due + INTERVAL_S, time.monotonic())
    ended, _running = read()
    return {"begun": begun, "ended": ended, "runnable": runnable, "frequencyMhz": frequency}
