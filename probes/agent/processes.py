"""Processes by /proc: who is alive, who belongs to a unit, and how to end them for certain."""
import os
import signal
import time

UNIT_MARK = "LONGHAUL_UNIT"


def boot_id():
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def now_us():
    return time.monotonic_ns() // 1000


def stat(pid):
    """(state, parent, group, session, start time) of a process; None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            text = file.read()
    except OSError:
        return None
    # The command's name may hold spaces and parentheses: the fields start after the last one.
    fields = text[text.rindex(b")") + 2:].split()
    return fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19])


def alive(pid, start_time):
    """The very process that had this start time, and not a zombie."""
    now = stat(pid)
    return now is not None and now[4] == start_time and now[0] not in "ZX"


def everyone():
    """All processes but zombies: pid -> stat."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            entry = stat(int(name))
            if entry is not None and entry[0] not in "ZX":
                found[int(name)] = entry
    return found


def marked(pid, mark):
    try:
        with open("/proc/%d/environ" % pid, "rb") as file:
            return mark in file.read().split(b"\0")
    except OSError:
        return False


def members(leader, start_time, mark):
    """
    Pids of a unit: its process group and session, whoever carries its mark in the environment (a
    child that called setsid), and the descendants of all of these. A number is not taken for the
    unit's when the process that now has it started at another time. A pid is not given anew while
    a group or session of that number lives, so members of a leaderless group are the unit's.
    """
    processes = everyone()
    reused = leader in processes and processes[leader][4] != start_time
    wanted = ("%s=%s" % (UNIT_MARK, mark)).encode()
    found = set()
    for pid, (_, _, group, session, started) in processes.items():
        if started < start_time or pid == 1:
            continue
        if not reused and leader in (pid, group, session):
            found.add(pid)
        elif marked(pid, wanted):
            found.add(pid)
    grown = True
    while grown:
        children = {pid for pid, entry in processes.items() if entry[1] in found and pid not in found}
        grown = bool(children)
        found |= children
    return found


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def kill_members(find, spare=(), patience_s=5.0):
    """SIGKILL to all that `find()` names, again and again until none is left. False: some are (in uninterruptible sleep)."""
    until = time.monotonic() + patience_s
    while True:
        left = find() - set(spare)
        if not left:
            return True
        if time.monotonic() > until:
            return False
        for pid in left:
            send(pid, signal.SIGKILL)
        time.sleep(0.005)


def kill_group(pid, start_time):
    """SIGKILL to the process group of a leader, unless the number is another process's by now."""
    now = stat(pid)
    if now is not None and now[4] != start_time:
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
