"""
What this host did and refused, in order: `journal.jsonl` of the run folder, a line each, only ever
appended to. Written by whoever did it (agent, wrapper or watcher), so that it tells of every unit
and token also when the worker that ordered it, or the store, knows nothing of it any more. It
outlives agents; it outlives a boot where the run folder lies on a disk.
"""
import json
import os
import traceback

from agent import processes
from agent.files import locked

#: What is older is dropped when an agent starts and finds more than twice as much.
KEPT_BYTES = 8 << 20


def path_of(folder):
    return os.path.join(folder, "journal.jsonl")


def note(folder, what, **facts):
    """One line in one write. A journal that cannot be written stops nothing."""
    try:
        with in_order(folder):
            add(folder, what, **facts)
    except OSError:
        traceback.print_exc()


def in_order(folder):
    """Nobody else notes anything meanwhile: who sees what was done under it notes after it."""
    return locked(os.path.join(folder, "journal.lock"))


def add(folder, what, **facts):
    """As `note`, for who is `in_order` already."""
    line = {"atUs": processes.now_us(), "bootId": processes.boot_id(), "what": what, **facts}
    try:
        append(path_of(folder), json.dumps(line, separators=(",", ":")).encode() + b"\n")
    except OSError:
        traceback.print_exc()


def append(path, data):
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(journal, data)
    finally:
        os.close(journal)


def shorten(folder):
    """Keeps the newest lines of a journal that has grown too long. In place: the file may be a mount."""
    path = path_of(folder)
    with in_order(folder):
        if not os.path.exists(path) or os.path.getsize(path) <= 2 * KEPT_BYTES:
            return
        with open(path, "r+b") as journal:
            journal.seek(-KEPT_BYTES, os.SEEK_END)
            journal.readline()
            newest = journal.read()
            journal.seek(0)
            journal.write(newest)
            journal.truncate()
