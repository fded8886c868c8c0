"""
Brings the agent up on the host: exactly one for each version, whoever asks. Prints one JSON line,
`{"socket": path}`, when it listens, and ends; the agent goes on in a process of its own.
"""
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback

from agent import journal, processes, watcher
from agent.files import close_all_but, try_lock, write_json
from agent.server import Server

#: To become a listening agent after another launcher took the lock.
PATIENCE_S = 10

#: Units are forks of this process: a probe that is loaded here need not be compiled by each of them.
PROBES = ("counter_series", "host_load", "rtt", "sink")


def listens(path):
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(path)
        return True
    except OSError:
        return False
    finally:
        probe.close()


def launch(folder, version, idle_s):
    folder = os.path.realpath(folder)
    os.makedirs(folder, 0o711, exist_ok=True)
    path = os.path.join(folder, "agent-%s.sock" % version)
    until = time.monotonic() + PATIENCE_S
    while not listens(path):
        lock = try_lock(os.path.join(folder, "agent-%s.lock" % version))
        if lock is not None:
            daemonize(folder, version, path, lock, idle_s)
        elif time.monotonic() > until:
            sys.exit("an agent holds %s/agent-%s.lock and does not listen" % (folder, version))
        time.sleep(0.01)
    print(json.dumps({"socket": path}), flush=True)


def daemonize(folder, version, path, lock, idle_s):
    """The socket listens before the launcher goes on; the daemon holds the lock for as long as it lives."""
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    os.umask(0o077)
    listener.bind(path)
    if "SUDO_UID" in os.environ:
        # sshd opens the socket with the rights of the user that logged in.
        os.chown(path, int(os.environ["SUDO_UID"]), -1)
    listener.listen(16)
    listener.setblocking(False)
    child = os.fork()
    if child == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        serve(folder, version, path, listener, lock, idle_s)
    os.waitpid(child, 0)
    os.close(lock)
    listener.close()


def load_probes():
    for name in PROBES:
        try:
            importlib.import_module("agent." + name)
        except ImportError:
            # Of a module that this Python lacks: the unit that needs it says so.
            continue


def serve(folder, version, path, listener, lock, idle_s):
    code = 1
    try:
        os.chdir("/")
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        log = os.open(os.path.join(folder, "agent-%s.log" % version), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        close_all_but(listener.fileno(), lock)
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGPIPE):
            # A handler, not SIG_IGN, which every command would inherit.
            signal.signal(number, lambda *_: None)
        write_json(watcher.agent_path(folder, version), {
            "pid": os.getpid(), "startTime": processes.stat(os.getpid())[4], "bootId": processes.boot_id(),
        })
        journal.shorten(folder)
        journal.note(folder, "agent", version=version)
        server = Server(folder, version, listener, idle_s)
        signal.signal(signal.SIGTERM, lambda *_: setattr(server.loop, "running", False))
        load_probes()
        # What is loaded now is shared with all forks, not copied by the collector.
        gc.freeze()
        server.serve()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        for left in (path, watcher.agent_path(folder, version)):
            if os.path.exists(left):
                os.unlink(left)
        # The watcher need not wait for its next look to see that nobody is left.
        watcher.notify(folder, version)
        os._exit(code)
