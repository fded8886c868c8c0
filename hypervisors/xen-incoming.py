"""
The destination's side of a migration: listens on the migration link, and gives the first caller from the
source to `xl migrate-receive`.

args: address, port, source, marker. Appended to xen-unit.py. The marker holds this process's number as long
as the guest is waited for. Ends when xl ends, or when it is asked to: then xl and its helper end, too.
"""
import socket

PHASES = (
    ("migration target: Ready to receive domain", "destination ready"),
    ("migration target: Transfer complete", "transfer complete"),
    ("migration target: Domain started success", "destination running"),
)


def main(args, unit):
    report = {"phases": [], "exitCode": None, "stderr": ""}
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((args["address"], args["port"]))
    listener.listen(1)
    put(args["marker"], str(os.getpid()))
    unit.emit({"ready": True})
    try:
        link = called(listener, args["source"], unit)
        if link is not None:
            receive(link, unit, report)
    finally:
        gone(args["marker"])
    return report


def called(listener, source, unit):
    while not unit.stopping():
        if listener in select.select([listener, unit], [], [])[0]:
            link, (address, _) = listener.accept()
            if address == source:
                listener.close()
                return link
            link.close()
    return None


def receive(link, unit, report):
    # -e: no process of xl's stays behind to watch the guest; on_crash and the like are obeyed without.
    xl = subprocess.Popen(
        ["xl", "migrate-receive", "-e"], stdin=link, stdout=link, stderr=subprocess.PIPE, start_new_session=True
    )
    link.close()
    lines = Lines(xl.stderr)
    end = None
    while lines.open or xl.poll() is None:
        ready = select.select([lines.pipe] if lines.open else [], [], [], 0.2)[0]
        for line, at in lines.read() if ready else ():
            report["stderr"] += line + "\n"
            for words, name in PHASES:
                if line.startswith(words):
                    report["phases"].append({"name": name, "atUs": at})
                    unit.emit({"phase": report["phases"][-1]})
        if unit.stopping() and end is None:
            end = time.monotonic() + 2
            for pid, _ in [(xl.pid, ""), *children(xl.pid)]:
                kill(pid, signal.SIGTERM)
        if end is not None and time.monotonic() > end:
            for pid, _ in [*children(xl.pid), (xl.pid, "")]:
                kill(pid, signal.SIGKILL)
            break
    report["exitCode"] = xl.wait()
