"""
The watcher of a host: kills every unit of its version at its deadline when the wrapper did not, and
the commands of an agent that died. It is a process of its own, so that it survives agent and
wrappers; an agent that finds it dead starts another. It ends itself when no unit runs and no agent lives.
"""
import os
import select
import signal
import socket
import stat

from agent import processes, units
from agent.files import close_all_but, read_json, try_lock, write_json
from agent.wrapper import poke, poke_address

#: The wrapper kills at the deadline; the watcher only when it did not.
PATIENCE_US = 300_000
LOOK_S = 0.5


def lock_path(folder, version):
    return os.path.join(folder, "watcher-%s.lock" % version)


def fifo_path(folder, version):
    return os.path.join(folder, "watcher-%s.fifo" % version)


def agent_path(folder, version):
    return os.path.join(folder, "agent-%s.json" % version)


def commands_folder(folder, version):
    return os.path.join(folder, "commands-%s" % version)


def ensure(folder, version):
    """Starts a watcher unless one lives. Its record is there at the return. Cheap: one try at a lock."""
    lock = try_lock(lock_path(folder, version))
    if lock is None:
        return
    fifo = fifo_path(folder, version)
    if not (os.path.exists(fifo) and stat.S_ISFIFO(os.stat(fifo).st_mode)):
        os.mkfifo(fifo, 0o600)
    told, recorded = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                close_all_but(lock, recorded)
                watch(folder, version, recorded)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(lock)
    os.close(recorded)
    # Its end: the watcher has written its record, or has died before it could.
    os.read(told, 1)
    os.close(told)


def notify(folder, version):
    """A new unit or command: look now."""
    try:
        fifo = os.open(fifo_path(folder, version), os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return
    os.write(fifo, b"n")
    os.close(fifo)


def agent_lives(folder, version):
    agent = read_json(agent_path(folder, version))
    return agent is not None and agent["bootId"] == processes.boot_id() and processes.alive(
        agent["pid"], agent["startTime"]
    )


def running(folder, version, ended):
    """Records of this version's units that have no end yet. `ended` remembers those that need no second look."""
    place = os.path.join(folder, "units")
    for name in os.listdir(place) if os.path.isdir(place) else []:
        path = os.path.join(place, name)
        try:
            written = os.stat(os.path.join(path, "unit.json")).st_mtime_ns
        except FileNotFoundError:
            continue
        # A name may come back after a sweep, even on the same inode (seen on ext4).
        key = (name, written)
        record = None if key in ended else read_json(os.path.join(path, "unit.json"))
        if record is None:
            continue
        foreign = record["version"] != version or record["bootId"] != processes.boot_id()
        if foreign or os.path.exists(os.path.join(path, "end.json")):
            ended.add(key)
        else:
            yield record


def kill_orphaned_commands(folder, version):
    place = commands_folder(folder, version)
    for name in os.listdir(place) if os.path.isdir(place) else []:
        record = read_json(os.path.join(place, name))
        if record is not None:
            processes.kill_group(record["pid"], record["startTime"])
            os.unlink(os.path.join(place, name))


def watch(folder, version, recorded):
    """`recorded`: a descriptor to close when the record is written."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)
    write_json(os.path.join(folder, "watcher-%s.json" % version), {
        "pid": os.getpid(), "startTime": processes.stat(os.getpid())[4], "bootId": processes.boot_id(),
    })
    os.close(recorded)
    fifo = os.open(fifo_path(folder, version), os.O_RDWR | os.O_NONBLOCK)
    poker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    ended = set()
    while True:
        next_us = None
        count = 0
        for record in running(folder, version, ended):
            due = record["deadlineUs"] + PATIENCE_US
            if due <= processes.now_us():
                if units.end_now(folder, record, "deadline"):
                    poke(poker, poke_address(folder, version))
                    continue
                due = processes.now_us() + 1_000_000
            elif not processes.alive(record["pid"], record["startTime"]) and not units.unit_members(folder, record):
                units.write_unseen_end(units.unit_folder(folder, record["name"]))
                poke(poker, poke_address(folder, version))
                continue
            count += 1
            next_us = due if next_us is None else min(next_us, due)
        if not agent_lives(folder, version):
            kill_orphaned_commands(folder, version)
            if count == 0:
                return
        wait_s = LOOK_S if next_us is None else min(LOOK_S, max(0.001, (next_us - processes.now_us()) / 1e6))
        if select.select([fifo], [], [], wait_s)[0]:
            os.read(fifo, 65536)
