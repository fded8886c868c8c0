"""
Units: programs that outlive connection, agent and worker.

A unit is a folder `units/<name>` of the run folder:
  unit.json    who it is, written before its program starts: name, token, boot id, pid of its wrapper
               (leader of its own session and group) with start time, deadline
  stdout, stderr   bounded copies of the program's output
  log.jsonl    what a python unit emitted, a line each
  result.json  what its `main` returned
  stop         somebody asked it to end
  ending.json  what its end will be called by who is about to kill all of it
  end.json     how it ended; written once, by the wrapper, by whoever killed it, or by who finds it killed

States: running -> ended (by itself), stopped (asked to), deadline (ran too long); lost when the
record is of another boot, or nothing of it lives and nobody saw it end. Guaranteed: one unit of a
name per boot; nothing of it lives beyond its deadline by more than about a second, whichever of
agent, wrapper and watcher were killed, as long as one of them lives. Not guaranteed: the output of
a unit whose wrapper was killed, and that a unit marked `lost` did nothing.
"""
import contextlib
import os
import re
import shutil
import signal
import time

from agent import journal, processes
from agent.fence import Refused
from agent.files import close_all_but, read_json, write_json

NAME = re.compile(r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}$")


def unit_folder(folder, name):
    return os.path.join(folder, "units", name)


def mark_of(folder, name):
    return "%s@%s" % (name, folder)


def unit_members(folder, record):
    if record["bootId"] != processes.boot_id():
        return set()
    return processes.members(record["pid"], record["startTime"], mark_of(folder, record["name"]))


def write_end(home, status, exit_code=None, signal_name=None):
    """
    First writer wins: a second account of the same end is dropped. So is that of a unit which a sweep
    has removed meanwhile. Whoever reads of the end finds it in the journal, before anything of their own.
    """
    path = os.path.join(home, "end.json")
    temporary = "%s.%d" % (path, os.getpid())
    folder = os.path.dirname(os.path.dirname(home))
    try:
        write_json(temporary, {
            "status": status,
            "exitCode": exit_code,
            "signal": signal_name,
            "endedUs": processes.now_us(),
        })
        with journal.in_order(folder):
            os.link(temporary, path)
            journal.add(folder, "ended", unit=os.path.basename(home), status=status)
    except (FileExistsError, FileNotFoundError):
        pass
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def write_unseen_end(home):
    """The end of a unit of which nothing lives, and whose wrapper did not tell: killed, or lost."""
    ending = read_json(os.path.join(home, "ending.json"))
    if ending is None:
        write_end(home, "lost")
    else:
        write_end(home, ending["status"], None, "SIGKILL")


def end_now(folder, record, status):
    """Kills all of a unit and sees to it that its end is on record. False: something survived SIGKILL."""
    home = unit_folder(folder, record["name"])
    # Before the kill: who finds nothing of the unit alive must not take it for lost.
    with contextlib.suppress(OSError):  # swept meanwhile, or no room left: to kill matters more
        write_json(os.path.join(home, "ending.json"), {"status": status})
    gone = processes.kill_members(lambda: unit_members(folder, record))
    if gone:
        write_end(home, status, None, "SIGKILL")
    return gone


def state_of(folder, name):
    home = unit_folder(folder, name)
    record = read_json(os.path.join(home, "unit.json"))
    if record is None:
        return None
    end = read_json(os.path.join(home, "end.json"))
    if end is None:
        live = record["bootId"] == processes.boot_id() and (
            processes.alive(record["pid"], record["startTime"]) or bool(unit_members(folder, record))
        )
        if not live and os.path.exists(os.path.join(home, "ending.json")):
            write_unseen_end(home)
        # The wrapper may have written the end between the two looks.
        end = None if live else read_json(os.path.join(home, "end.json"))
        if end is None:
            end = {
                "status": "running" if live else "lost",
                "exitCode": None,
                "signal": None,
                "endedUs": None,
            }
    return {
        "name": name,
        "token": record["token"],
        "status": end["status"],
        "exitCode": end["exitCode"],
        "signal": end["signal"],
        "startedUs": record["startedUs"],
        "endedUs": end["endedUs"],
        "deadlineUs": record["deadlineUs"],
    }


def names(folder):
    try:
        return sorted(os.listdir(os.path.join(folder, "units")))
    except FileNotFoundError:
        return []


def output_of(folder, name):
    """`result` is JSON text, which may be tens of MB: it is passed on, never parsed here."""
    home = unit_folder(folder, name)

    def text(part):
        try:
            with open(os.path.join(home, part), "rb") as file:
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    return {
        "state": state_of(folder, name),
        "result": text("result.json") or "null",
        "stdout": text("stdout"),
        "stderr": text("stderr"),
    }


def start(folder, version, token, order, run_wrapper):
    """Starts a unit, or answers with the one that has the name already in this boot."""
    name = order["name"]
    if not NAME.match(name):
        raise Refused("refused", "unit name %r: expected [A-Za-z0-9._-]+, at most 200 characters" % name)
    existing = state_of(folder, name)
    if existing is not None:
        return existing
    home = unit_folder(folder, name)
    # A folder without a record: an agent died between the two, and no program was started.
    shutil.rmtree(home, ignore_errors=True)
    os.makedirs(home, 0o700)
    go_read, go_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            os.close(go_write)
            # No record, no program: the agent died before it could write one.
            if os.read(go_read, 1) == b"g":
                close_all_but()
                run_wrapper(folder, home, order, version)
        finally:
            os._exit(70)
    os.close(go_read)
    started = processes.now_us()
    write_json(os.path.join(home, "unit.json"), {
        "name": name,
        "token": token,
        "argv": order["program"].get("argv"),
        "bootId": processes.boot_id(),
        "pid": pid,
        "startTime": processes.stat(pid)[4],
        "startedUs": started,
        "deadlineUs": started + int(order["deadlineMs"] * 1000),
        "version": version,
    })
    journal.note(folder, "started", unit=name, token=token)
    os.write(go_write, b"g")
    os.close(go_write)
    return state_of(folder, name)


def ask_to_end(folder, name):
    """SIGTERM to all of a unit but its wrapper, which records the end."""
    home = unit_folder(folder, name)
    record = read_json(os.path.join(home, "unit.json"))
    with open(os.path.join(home, "stop"), "w"):
        pass
    for pid in unit_members(folder, record) - {record["pid"]}:
        processes.send(pid, signal.SIGTERM)


def kill(folder, name):
    """SIGKILL to all of a unit; its wrapper is given a moment to record the end. False: something survived."""
    home = unit_folder(folder, name)
    record = read_json(os.path.join(home, "unit.json"))
    processes.kill_members(lambda: unit_members(folder, record), spare=[record["pid"]], patience_s=1.0)
    until = time.monotonic() + 0.2
    while time.monotonic() < until and processes.alive(record["pid"], record["startTime"]):
        time.sleep(0.005)
    return end_now(folder, record, "stopped")


def remove(folder, name):
    shutil.rmtree(unit_folder(folder, name), ignore_errors=True)
