"""
A live migration as a unit on the source host: orders it, logs it, ends it at its deadline.

args: guest, relay, address, port, acked, progress, abort, deadlineMs; all but the address are paths where they are
text. It is aborted by the file `abort`, not by a signal: whoever stops a unit signals all of its processes, and
xl, signalled itself, dies and says nothing (4.17, seen). Appended to xen-unit.py.
Emits {"phase"} and {"progress"} lines as they come; the result holds all of them and xl's own words, from
which its caller tells how it ended.
"""
import json
import re

POLL_S = 0.1
#: For a destination that was called to answer, before its silence is taken for an end.
ANSWER_S = 8
FRAMES = re.compile(r"xc: progress: Frames(?: iteration (\d+))?.*?: (\d+)/(\d+)")
PAGE_BYTES = 4096
PHASES = (
    ("migration target: Ready to receive domain", "destination ready"),
    ("guest has suspended", "source stopped"),
    ("migration sender: Target has acknowledged transfer", "transfer acknowledged"),
    ("resuming at sender", "source resumed"),
)


def main(args, unit):
    report = {
        "exitCode": None, "ended": None, "commandUs": 0, "endUs": None, "stderr": "", "phases": [], "progress": [],
    }
    gone(args["acked"])
    gone(args["abort"])
    rune = "exec python3 -I -S %(relay)s %(address)s %(port)d %(acked)s" % args
    report["commandUs"] = now_us()
    # An empty -s: xl runs its last argument itself. Three -v bring libxl's own account of the suspension.
    xl = subprocess.Popen(
        ["xl", "-vvv", "migrate", "-s", "", args["guest"], rune],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )
    try:
        follow(xl, args, unit, report)
    finally:
        gone(args["progress"])
        for pid, _ in [(xl.pid, ""), *children(xl.pid)]:
            if xl.poll() is None:
                kill(pid, signal.SIGKILL)
    report["exitCode"] = xl.wait()
    report["endUs"] = report["endUs"] or now_us()
    return report


def follow(xl, args, unit, report):
    lines = Lines(xl.stderr)
    deadline = time.monotonic() + args["deadlineMs"] / 1000
    frames = None
    abort = None
    while xl.poll() is None or lines.open:
        ready = select.select([lines.pipe] if lines.open else [], [], [], POLL_S)[0]
        for line, at in lines.read() if ready else ():
            report["stderr"] += line + "\n"
            frames = FRAMES.search(line) or frames
            for words, name in PHASES:
                if words in line:
                    report["phases"].append({"name": name, "atUs": at})
                    unit.emit({"phase": report["phases"][-1]})
        note(args, frames, unit, report)
        if xl.poll() is not None:
            # Its relay may hold the pipe after it.
            report["endUs"] = report["endUs"] or now_us()
            if not ready:
                break
        asked = unit.stopping() or os.path.exists(args["abort"])
        if abort is None and (asked or time.monotonic() > deadline):
            report["ended"] = "asked to stop" if asked else "not completed within %d ms" % args["deadlineMs"]
            abort = Abort(xl.pid)
        if abort is not None and not abort.goes_on(report["phases"]):
            return


class Abort:
    """
    Ends the save helper alone: it makes its stream unwritable and runs its own error path, which turns the
    dirty log off again; xl then says where the guest is. Only then the transport, which a cut link holds.
    xl starts its helper when the destination has answered (seconds, on an emulated host), so it is looked for
    for a while; xl that still waits for that answer ends with its transport. Once the destination has the whole guest there is nothing left to abort: killing xl then would leave it in two places.
    """

    def __init__(self, xl):
        self.xl = xl
        self.helpers = set()
        self.end = time.monotonic() + GRACE_S
        self.transport_at = time.monotonic() + ANSWER_S

    def goes_on(self, phases):
        if any(phase["name"] == "transfer acknowledged" for phase in phases):
            return time.monotonic() < self.end + GRACE_S
        below = children(self.xl)
        for pid, command in below:
            if "libxl-save-helper" in command and pid not in self.helpers:
                self.helpers.add(pid)
                self.transport_at = time.monotonic() + 10
                self.end = time.monotonic() + GRACE_S
                kill(pid, signal.SIGTERM)
        alive = {pid for pid, _ in below}
        if (self.helpers and not self.helpers & alive) or time.monotonic() > self.transport_at:
            for pid in alive - self.helpers:
                kill(pid, signal.SIGTERM)
        return time.monotonic() < self.end


def note(args, frames, unit, report):
    try:
        with open(args["acked"]) as file:
            acked = int(file.read() or 0)
    except FileNotFoundError:
        return
    done, total = (int(frames.group(2)), int(frames.group(3))) if frames else (0, 0)
    seen = {
        "atUs": now_us(),
        "transferredBytes": acked,
        "remainingBytes": (total - done) * PAGE_BYTES if frames else None,
        "iteration": int(frames.group(1)) if frames and frames.group(1) else None,
        "dirtyRatePagesPerSecond": None,
    }
    last = report["progress"][-1] if report["progress"] else {}
    if all(seen[key] == last.get(key) for key in ("transferredBytes", "remainingBytes")):
        return
    report["progress"].append(seen)
    put(args["progress"], json.dumps(seen))
    unit.emit({"progress": seen})
