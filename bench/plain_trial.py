"""
Trials by a plain script, the measure of Longhaul's overhead: no SSH, no agent, no store, no Temporal.
Same samplers, sink and RTT flow (the agent's own modules, each in a fork that enters its host's
namespaces), same generator, same QEMU. Reads orders (JSON, one a line) and answers each with one line.
"""
import ctypes
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "probes"), os.path.join(HERE, "..", "generators")]

import capture  # noqa: E402
from agent import counter_series, netlink, rtt, sink  # noqa: E402

libc = ctypes.CDLL(None, use_errno=True)


def enter(pid, kind):
    descriptor = os.open("/proc/%d/ns/%s" % (pid, kind), os.O_RDONLY)
    if libc.setns(descriptor, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns %s of %d" % (kind, pid))
    os.close(descriptor)


class Unit:
    def __init__(self, told):
        self.told, self.stop = told, False
        self.wake, wake = os.pipe2(os.O_NONBLOCK)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGTERM, self.end)

    def end(self, *_):
        self.stop = True

    def emit(self, _):
        os.write(self.told, b"r")

    def stopping(self):
        return self.stop

    def fileno(self):
        return self.wake

    def wait(self, seconds):
        import select
        if not self.stop and seconds > 0:
            select.select([self.wake], [], [], seconds)
        return self.stop


class Forked:
    """`work(unit)` in a child inside a host's network; its result comes back as JSON."""

    def __init__(self, pid, work):
        self.answer, answer = os.pipe()
        self.ready, ready = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.answer)
                enter(pid, "net")
                with os.fdopen(answer, "w") as out:
                    json.dump(work(Unit(ready)), out)
                os._exit(0)
            finally:
                os._exit(1)
        os.close(answer)
        os.close(ready)

    def wait_ready(self):
        if os.read(self.ready, 1) != b"r":
            raise RuntimeError("a probe ended before it measured")
        return self

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        return self

    def result(self):
        with os.fdopen(self.answer) as file:
            text = file.read()
        os.close(self.ready)
        os.waitpid(self.pid, 0)
        return json.loads(text)


def counters(order):
    def read(_):
        opened = netlink.route_socket()
        return netlink.interfaces(opened)

    readers = [Forked(order["hosts"][name], read) for name in order["counted"]]
    return [reader.result() for reader in readers]


def generator(order):
    argv = order["generator"] + [order["capture"]]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: enter(order["hosts"]["A"], "net"),
    )


def probes(order):
    started = [
        Forked(pid, lambda unit: counter_series.main({"intervalMs": order["intervalMs"]}, unit))
        for pid in order["hosts"].values()
    ]
    started.append(Forked(order["hosts"]["B"], lambda unit: sink.main(order["sink"], unit)))
    started.append(Forked(order["hosts"]["C"], lambda unit: rtt.main(order["rtt"], unit)))
    return [one.wait_ready() for one in started]


class Clock:
    def __init__(self):
        self.begun = self.last = time.monotonic()
        self.parts = {}

    def part(self, name):
        now = time.monotonic()
        self.parts[name] = round((now - self.last) * 1000, 1)
        self.last = now


def forwarding(order):
    clock = Clock()
    running = probes(order)
    clock.part("start probes")
    before = counters(order)
    clock.part("counters before")
    load = generator(order)
    out, err = load.communicate()
    if load.returncode != 0:
        raise RuntimeError(err.decode())
    clock.part("generator and load")
    time.sleep(order["drainMs"] / 1000)
    clock.part("drain")
    after = counters(order)
    clock.part("counters after")
    results = finish(order, running, clock)
    return answer(order, clock, out, results, {"before": before, "after": after})


def finish(order, running, clock):
    results = [one.result() for one in [one.stop() for one in running]]
    clock.part("collect probes")
    return results


def answer(order, clock, out, results, more):
    with open(order["record"], "w") as file:
        json.dump({"probes": results, "generator": out.decode(), **more}, file)
    clock.part("store")
    received = results[-2]["frames"]
    return {"wallMs": (time.monotonic() - clock.begun) * 1000, "parts": clock.parts, "received": received}


def inside(pid, argv):
    return subprocess.run(["nsenter", "-t", str(pid), "-a", *argv], check=True, capture_output=True)


def migration(order):
    """R1 to R2 and nothing else is timed but what a trial needs: destination, load, order, ends."""
    clock = Clock()
    source, destination = order["source"], order["destination"]
    for tap, bridge in order["taps"]:
        inside(destination, ["ip", "tuntap", "add", "dev", tap, "mode", "tap", "vnet_hdr"])
        inside(destination, ["ip", "link", "set", tap, "master", bridge, "txqueuelen", "500", "up"])
    inside(destination, ["mkdir", "-p", order["folder"]])
    inside(destination, order["qemu"])
    clock.part("destination up")
    running = probes(order)
    clock.part("start probes")
    before = counters(order)
    clock.part("counters before")
    load = generator(order)
    time.sleep(order["marginMs"] / 1000)
    clock.part("generator and margin")
    space = {"__name__": "migration"}
    exec(compile(order["migrate"], "migrate", "exec"), space)
    args = dict(order["order"], monitor="/proc/%d/root%s" % (source, order["order"]["monitor"]))
    report = space["main"](args, Still())
    clock.part("migration")
    time.sleep(order["marginMs"] / 1000)
    clock.part("margin")
    load.send_signal(signal.SIGINT)
    out, _ = load.communicate()
    clock.part("stop load")
    time.sleep(order["drainMs"] / 1000)
    clock.part("drain")
    after = counters(order)
    clock.part("counters after")
    results = finish(order, running, clock)
    pid = int(inside(source, ["cat", order["folder"] + "/pid"]).stdout)
    inside(source, ["kill", "-KILL", str(pid)])
    while subprocess.run(["nsenter", "-t", str(source), "-a", "kill", "-0", str(pid)],
                         capture_output=True).returncode == 0:
        time.sleep(0.005)
    for tap, _ in order["taps"]:
        inside(source, ["ip", "link", "delete", tap])
    inside(source, ["rm", "-rf", order["folder"]])
    clock.part("end source")
    done = answer(order, clock, out, results, {"before": before, "after": after, "report": report})
    return {**done, "status": report["status"], "migrationMs": report["totalTimeMs"]}


class Still:
    def emit(self, _):
        return

    def stopping(self):
        return False


def main():
    for line in sys.stdin:
        order = json.loads(line)
        if order["kind"] == "capture":
            capture.write_capture(order["path"], order["flow"], order["length"], order["frames"])
            done = {}
        else:
            done = {"forwarding": forwarding, "migration": migration}[order["kind"]](order)
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main()
