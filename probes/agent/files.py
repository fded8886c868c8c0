"""Small files that are whole or absent, and locks that die with their holder."""
import contextlib
import fcntl
import json
import os


def write_json(path, value):
    """Atomic for readers; not synced to disk, since what it tells does not outlive a boot."""
    temporary = "%s.%d" % (path, os.getpid())
    with open(temporary, "w") as file:
        # dumps, not dump: only the former is written in C.
        file.write(json.dumps(value, separators=(",", ":")))
    os.rename(temporary, path)


def read_json(path):
    """None when there is no such file."""
    try:
        with open(path) as file:
            return json.load(file)
    except FileNotFoundError:
        return None


def try_lock(path):
    """A descriptor that holds the lock for as long as it is open, or None when another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def locked(path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def close_all_but(*kept):
    """Closes every descriptor that a fork inherited, so that no child holds a lock or a connection."""
    for name in os.listdir("/proc/self/fd"):
        descriptor = int(name)
        if descriptor > 2 and descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:
                continue  # the descriptor that listed the folder
