"""tcpreplay, loaded and held back until the trial begins.

tcpreplay -K loads all its files before it sends. Its last file here is a FIFO: tcpreplay has everything
else in memory by the time it opens it, and waits there for the end of an empty capture. So its start and
load (130-175 ms) happen before the trial, and closing the FIFO starts the traffic within a millisecond.
Whoever connects to its socket and sends a line starts it, and reads a line when frames leave.
"""
import os
import select
import signal
import socket
import subprocess
import threading
import time

KEPT_OUTPUT = 16384


def now_us():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def keep_head(stream, kept):
    """Reads to the end and keeps the beginning: a failing send prints two lines for every frame."""
    for chunk in iter(lambda: stream.read1(65536), b""):
        kept.extend(chunk[: max(0, KEPT_OUTPUT - len(kept))])


def keep_ends(stream, kept):
    """The statistics come last, the complaints first: both ends are kept."""
    for chunk in iter(lambda: stream.read1(65536), b""):
        kept.extend(chunk)
        if len(kept) > 2 * KEPT_OUTPUT:
            del kept[KEPT_OUTPUT:-KEPT_OUTPUT]


class Generator:
    def __init__(self, args):
        self.device = args["device"]
        self.ended_us = None
        self.ended = threading.Event()
        self.end, self.end_told = os.pipe()
        self.out, self.err = bytearray(), bytearray()
        # Stopping a unit sends SIGTERM to all of it, which ends tcpreplay without its statistics.
        self.process = subprocess.Popen(
            args["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        )
        self.readers = [
            threading.Thread(target=keep_ends, args=(self.process.stdout, self.out)),
            threading.Thread(target=keep_head, args=(self.process.stderr, self.err)),
        ]
        for thread in self.readers + [threading.Thread(target=self.reap)]:
            thread.daemon = True
            thread.start()

    def reap(self):
        self.process.wait()
        self.ended_us = now_us()
        self.ended.set()
        os.close(self.end_told)

    def sent(self):
        with open("/sys/class/net/%s/statistics/tx_packets" % self.device) as file:
            return int(file.read())

    def interrupt(self):
        if not self.ended.is_set():
            self.process.send_signal(signal.SIGINT)
        if not self.ended.wait(1):
            self.process.kill()
            self.ended.wait(5)

    def outcome(self, **more):
        for thread in self.readers:
            thread.join(1)
        return {
            "argv": self.process.args,
            "exitCode": self.process.returncode,
            "stdout": self.out.decode("utf-8", "replace"),
            "stderr": self.err.decode("utf-8", "replace"),
            "startUs": None,
            "endUs": self.ended_us,
            **more,
        }


def hold(generator, gate, unit):
    """The gate's write end once tcpreplay waits at it; None when tcpreplay or the unit ended before."""
    while not generator.ended.is_set() and not unit.stopping():
        try:
            return os.open(gate, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            generator.ended.wait(0.002)
    return None


def released(generator, door, unit):
    """The connection that asked for the start; None when tcpreplay or the unit ended before."""
    while not unit.stopping():
        ready = select.select([door, generator.end, unit], [], [])[0]
        if generator.end in ready:
            return None
        if door in ready:
            asker = door.accept()[0]
            asker.settimeout(1)
            return asker
    return None


def tell(asker, line):
    try:
        asker.sendall(line)
    except OSError:
        # It gave up waiting; the log says the same.
        return


def watch(generator, args, unit, before, asker):
    """Follows the sender's own counter until tcpreplay has ended or must be ended."""
    start = None
    last = before
    limit = time.monotonic() + args["durationMs"] / 1000 + 2
    while not select.select([generator.end, unit], [], [], 0.0002 if start is None else 0.1)[0]:
        frames = generator.sent()
        if frames != last:
            if start is None:
                start = now_us()
                unit.emit({"kind": "sending", "atUs": start})
                tell(asker, b"sending\n")
            last = frames
            unit.emit({"kind": "frames", "frames": frames - before})
        if time.monotonic() > limit:
            break
    if not generator.ended.is_set():
        generator.interrupt()
    return start


def main(args, unit):
    capture, gate, start = (args["path"] + end for end in (".pcap", ".gate", ".start"))
    os.makedirs(os.path.dirname(capture), exist_ok=True)
    paths = (capture, gate, start)
    for path in paths:
        if os.path.exists(path):
            os.unlink(path)
    try:
        write_capture(capture, args["flow"], args["captureBytes"], args["frames"])
        os.mkfifo(gate, 0o600)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        door.bind(start)
        door.listen(1)
        generator = Generator(dict(args, argv=args["argv"] + [capture, gate]))
        held = hold(generator, gate, unit)
        if held is None:
            generator.interrupt()
            return generator.outcome()
        os.write(held, PCAP_HEADER)
        os.unlink(capture)
        before = generator.sent()
        unit.emit({"kind": "ready", "atUs": now_us()})
        asker = released(generator, door, unit)
        if asker is None:
            generator.interrupt()
            return generator.outcome()
        before = generator.sent()
        asked = now_us()
        os.close(held)
        started = watch(generator, args, unit, before, asker)
        return generator.outcome(startUs=started or asked)
    finally:
        for path in paths:
            if os.path.exists(path):
                os.unlink(path)
