"""QEMU's monitor for units: one socket, answers matched by id, events stamped with this host's clock."""
import json
import select
import socket
import time


def now_us():
    return time.monotonic_ns() // 1000


class Refused(Exception):
    """QEMU said no to a command."""


class Gone(Exception):
    """QEMU closed the socket: it has ended."""


class Silent(Exception):
    """No answer in time."""


class Monitor:
    def __init__(self, path, on_event):
        self.on_event = on_event
        self.rest = b""
        self.count = 0
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(10)
        self.socket.connect(path)
        self.wait_line(lambda message: "QMP" in message, 10)
        self.command("qmp_capabilities", timeout=10)

    def fileno(self):
        return self.socket.fileno()

    def messages(self, timeout):
        """What arrives within the time: at least one read, or nothing."""
        if not select.select([self.socket], [], [], max(0, timeout))[0]:
            return []
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Gone("QEMU closed its monitor")
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]

    def hear(self, timeout):
        """Takes in events for at most that long."""
        for message in self.messages(timeout):
            self.event(message)

    def event(self, message):
        if "event" not in message:
            return
        heard = now_us()
        stamp = message["timestamp"]
        # QEMU stamps with the wall clock when it happened; we heard of it a little later.
        wall = stamp["seconds"] * 1_000_000 + stamp["microseconds"]
        happened = heard - (time.time_ns() // 1000 - wall)
        # A wall clock that was set meanwhile must not move an event by more than it took to hear of it.
        near = heard - 1_000_000 < happened < heard
        self.on_event(message["event"], message.get("data", {}), happened if near else heard)

    def wait_line(self, wanted, timeout):
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise Silent("QEMU's monitor was silent for %.1f s" % timeout)
            found = None
            for message in self.messages(left):
                if found is None and wanted(message):
                    found = message
                else:
                    self.event(message)
            if found is not None:
                return found

    def command(self, name, arguments=None, timeout=5):
        self.count += 1
        ask = {"execute": name, "id": self.count}
        if arguments is not None:
            ask["arguments"] = arguments
        self.socket.sendall(json.dumps(ask).encode() + b"\n")
        answer = self.wait_line(lambda message: message.get("id") == self.count, timeout)
        if "error" in answer:
            raise Refused("%s: %s" % (name, answer["error"]["desc"]))
        return answer["return"]


EVENTS = {"capabilities": [{"capability": "events", "state": True}]}


def phase_of(event, data, stopped, resumed):
    """The name of an event as it stands in reports; None for those of no interest."""
    if event == "MIGRATION":
        return "migration " + data.get("status", "")
    if event == "MIGRATION_PASS":
        return "pass %d" % data.get("pass", 0)
    return {"STOP": stopped, "RESUME": resumed}.get(event)
