"""
The wrapper of a unit: leads its session, starts the program, copies its output within bounds, keeps
the deadline, ends what the program left behind, and records the end. Never returns.
"""
import json
import os
import select
import signal
import socket
import time
import traceback

from agent import processes
from agent.files import close_all_but, read_json, write_json
from agent.units import mark_of, unit_members, write_end

OUTPUT_LIMIT_BYTES = 4 << 20
LOG_LIMIT_BYTES = 64 << 20
PR_SET_CHILD_SUBREAPER = 36

try:
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    libc = None  # orphans of a unit then go to the host's init, where group, session and mark still find them


class Unit:
    """What a python unit's `main(args, unit)` is given."""

    def __init__(self, folder, home, version):
        self.home = home
        self._poke_address = poke_address(folder, version)
        self._poke = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._log = os.open(os.path.join(home, "log.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._logged = 0
        self._stopping = False
        self._wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write)
        signal.signal(signal.SIGTERM, self._stop)
        hear_the_end()

    def _stop(self, *_):
        self._stopping = True

    def emit(self, value):
        """One JSON line to whoever follows the unit, now or later. Dropped beyond 64 MiB."""
        line = json.dumps(value, separators=(",", ":")).encode() + b"\n"
        if self._logged + len(line) > LOG_LIMIT_BYTES:
            return
        self._logged += len(line)
        os.write(self._log, line)
        poke(self._poke, self._poke_address)

    def stopping(self):
        """Somebody asked the unit to end."""
        return self._stopping

    def fileno(self):
        """Becomes readable when `stopping()` turns true: for select loops."""
        return self._wake_read

    def wait(self, seconds):
        """Sleeps, but not past `stopping()`. Answers `stopping()`."""
        if not self._stopping and seconds > 0:
            select.select([self._wake_read], [], [], seconds)
        return self._stopping


def poke_address(folder, version):
    return os.path.join(folder, "poke-%s.sock" % version)


def poke(sender, address):
    """Tells the agent to look at the units now; without an agent nobody needs to be told."""
    try:
        sender.sendto(b"u", address)
    except OSError:
        return


def hear_the_end():
    """A SIGTERM that came while the program was not ready for it (`run_wrapper`) comes now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def prefer():
    """Before other processes: a sampler that waits for the CPU measures the neighbours instead."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        return


def run_python(folder, home, program, version):
    unit = Unit(folder, home, version)
    space = {"__name__": "unit"}
    try:
        exec(compile(program["source"], "unit.py", "exec"), space)
        result = space["main"](program["args"], unit)
        write_json(os.path.join(home, "result.json"), result)
        return 0
    except BaseException:
        traceback.print_exc()
        return 1


def run_program(folder, home, order, version, output, errors):
    """In the program's own process. Never returns."""
    program = order["program"]
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        close_all_but()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.environ[processes.UNIT_MARK] = mark_of(folder, order["name"])
        if program["kind"] == "python":
            code = run_python(folder, home, program, version)
            os._exit(code)
        hear_the_end()
        os.execvp(program["argv"][0], program["argv"])
    except OSError as error:
        os.write(2, ("cannot start %s: %s\n" % (program.get("argv"), error)).encode())
    finally:
        os._exit(127)


def copy_bounded(source, target, left):
    """Copies what is there to read. Answers (still open, room left)."""
    try:
        data = os.read(source, 65536)
    except BlockingIOError:
        return True, left
    if data and left > 0:
        os.write(target, data[:left])
    return bool(data), max(0, left - len(data))


def run_wrapper(folder, home, order, version):
    if libc is not None:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_write)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    pipes = {}
    ends = []
    for part in ("stdout", "stderr"):
        source, sink = os.pipe()
        os.set_blocking(source, False)
        target = os.open(os.path.join(home, part), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        pipes[source] = [target, OUTPUT_LIMIT_BYTES]
        ends.append(sink)
    record = read_json(os.path.join(home, "unit.json"))
    # From the fork on, until the program is ready for it, SIGTERM waits: ignored, it would be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    program = os.fork()
    if program == 0:
        signal.set_wakeup_fd(-1)
        run_program(folder, home, order, version, ends[0], ends[1])
    if os.path.exists(os.path.join(home, "stop")):
        # Who asked may have found no program yet.
        processes.send(program, signal.SIGTERM)
    for sink in ends:
        os.close(sink)

    late = False
    status = None
    while status is None:
        left_s = (record["deadlineUs"] - processes.now_us()) / 1e6
        if left_s <= 0:
            late = True
            processes.kill_members(lambda: unit_members(folder, record), spare=[os.getpid()], patience_s=1.0)
        ready, _, _ = select.select([wake_read, *pipes], [], [], max(0.05, min(left_s, 3600)))
        if wake_read in ready:
            os.read(wake_read, 4096)
        for source in [source for source in ready if source in pipes]:
            is_open, pipes[source][1] = copy_bounded(source, *pipes[source])
            if not is_open:
                del pipes[source]
        status = reap(program)
    processes.kill_members(lambda: unit_members(folder, record), spare=[os.getpid()], patience_s=2.0)
    drain(pipes)
    exit_code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else None
    signal_name = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else None
    stopped = os.path.exists(os.path.join(home, "stop"))
    write_end(home, "deadline" if late else "stopped" if stopped else "ended", exit_code, signal_name)
    poke(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK), poke_address(folder, version))
    os._exit(0)


def drain(pipes):
    until = time.monotonic() + 0.2
    for source, (target, left) in list(pipes.items()):
        is_open = True
        while is_open and time.monotonic() < until and select.select([source], [], [], 0)[0]:
            is_open, left = copy_bounded(source, target, left)


def reap(program):
    """The program's wait status once it has ended; adopted orphans are reaped on the way."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == program:
            found = status
        if pid == 0:
            return found
