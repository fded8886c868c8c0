"""What both sides of a migration with xl share: its lines, stamped with this host's clock as they come."""
import os
import select
import signal
import subprocess
import time

#: For `xl` and its helper, which clean up after a signal.
GRACE_S = 30


def now_us():
    return time.monotonic_ns() // 1000


class Lines:
    """Standard error of a command, line by line; a carriage return ends one, too."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.rest = b""
        self.open = True

    def read(self):
        data = os.read(self.pipe.fileno(), 65536)
        self.open = bool(data)
        *whole, self.rest = (self.rest + data).replace(b"\r", b"\n").split(b"\n")
        if not data and self.rest:
            whole, self.rest = whole + [self.rest], b""
        at = now_us()
        return [(line.decode("utf-8", "replace"), at) for line in whole if line]


def children(pid):
    """(pid, command line) of every process below this one."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % name) as file:
                parents[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, wanted = [], {pid}
    for _ in range(8):
        below = [child for child, parent in parents.items() if parent in wanted and child not in found]
        if not below:
            break
        found, wanted = found + below, set(below)
    return [(child, command_of(child)) for child in found]


def command_of(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def put(path, text):
    with open(path + ".new", "w") as file:
        file.write(text)
    os.replace(path + ".new", path)


def gone(path):
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
