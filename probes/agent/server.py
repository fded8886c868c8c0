"""What the agent does when asked: one method per verb, and the housekeeping between requests."""
import os
import platform
import selectors
import socket
import time
import traceback

from agent import fence, journal, processes, units, watcher
from agent.commands import Commands
from agent.connection import Connection
from agent.converse import Conversation
from agent.fence import Refused
from agent.loop import Loop
from agent.offloads import offloads
from agent.snapshot import snapshot
from agent.wrapper import poke_address, run_wrapper


class Server:
    def __init__(self, folder, version, listener, idle_s):
        self.folder = folder
        self.version = version
        self.idle_s = idle_s
        self.loop = Loop()
        self.loop.on_child = self.children
        self.commands = Commands(folder, version, self.loop)
        self.connections = set()
        self.waiting = []
        self.busy_at = time.monotonic()
        self.loop.register(listener, selectors.EVENT_READ, self.accept)
        address = poke_address(folder, version)
        if os.path.exists(address):
            os.unlink(address)
        self.pokes = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.pokes.bind(address)
        os.chmod(address, 0o600)
        self.loop.register(self.pokes, selectors.EVENT_READ, self.poked)

    def serve(self):
        self.tick()
        self.loop.run()
        self.commands.kill()

    def tick(self):
        self.loop.later(1, self.tick)
        watcher.ensure(self.folder, self.version)
        self.look_at_units()
        now = time.monotonic()
        if self.connections or self.commands.running:
            self.busy_at = now
        elif now - self.busy_at > self.idle_s:
            if any(units.state_of(self.folder, name)["status"] == "running" for name in self.unit_names()):
                self.busy_at = now
            else:
                self.loop.running = False

    def unit_names(self):
        return [name for name in units.names(self.folder) if units.state_of(self.folder, name)]

    def children(self):
        self.commands.reap()
        # Wrappers that ended; commands are reaped by their own pid above.
        for name in units.names(self.folder):
            record = units.read_json(os.path.join(units.unit_folder(self.folder, name), "unit.json"))
            if record and record["bootId"] == processes.boot_id():
                try:
                    os.waitpid(record["pid"], os.WNOHANG)
                except ChildProcessError:
                    continue
        self.look_at_units()

    def poked(self, *_):
        try:
            while True:
                self.pokes.recv(64)
        except BlockingIOError:
            self.look_at_units()

    def look_at_units(self):
        for waiting in list(self.waiting):
            look, answer = waiting
            try:
                ended = look()
            except Exception:
                # It would be in the way of all that wait behind it.
                answer.failed("failed")(traceback.format_exc())
                ended = True
            if ended:
                self.waiting.remove(waiting)

    def accept(self, listener, _):
        opened, _ = listener.accept()
        self.connections.add(Connection(self.loop, opened, self.answer_by, self.closed))

    def closed(self, connection):
        self.connections.discard(connection)
        self.busy_at = time.monotonic()

    def answer_by(self, name, args, answer):
        verb = VERBS.get(name)
        if verb is None:
            raise Refused("refused", "unknown verb %s" % name)
        verb(self, args, answer)

    # Verbs. Each answers by `answer(value)`, now or later.

    def hello(self, _, answer):
        answer({
            "bootId": processes.boot_id(),
            "kernel": platform.release(),
            "python": platform.python_version(),
            "agentVersion": self.version,
            "token": fence.highest(self.folder),
        })

    def clock(self, _, answer):
        answer(time.monotonic_ns() // 1000)

    def read_files(self, args, answer):
        found = {}
        for path in args["paths"]:
            try:
                with open(path, "rb") as file:
                    found[path] = file.read().decode("utf-8", "replace")
            except (FileNotFoundError, NotADirectoryError):
                found[path] = None
            except OSError as error:
                raise Refused("refused", "cannot read %s: %s" % (path, error)) from error
        answer(found)

    def counters(self, _, answer):
        answer(snapshot())

    def offloads(self, args, answer):
        answer(offloads(args["devices"]))

    def raise_token(self, args, answer):
        fence.check(self.folder, args["fence"])
        answer(None)

    def read(self, args, answer):
        self.commands.run(args["argv"], None, args["timeoutMs"], None, answer)

    def act(self, args, answer):
        fence.check(self.folder, args["fence"])
        journal.note(self.folder, "act", token=args["fence"]["token"], program=args["argv"][0])
        self.commands.run(args["argv"], args["stdin"], args["timeoutMs"], args["fence"]["token"], answer)

    def converse(self, args, answer):
        if args["fence"] is not None:
            fence.check(self.folder, args["fence"])
        Conversation(
            self.loop, args["socket"], args["exchange"], args["timeoutMs"], answer, answer.failed("timeout")
        )

    def start_unit(self, args, answer):
        fence.check(self.folder, args["fence"])
        watcher.ensure(self.folder, self.version)
        state = units.start(self.folder, self.version, args["fence"]["token"], args["order"], run_wrapper)
        watcher.notify(self.folder, self.version)
        answer(state)

    def unit(self, args, answer):
        answer(units.state_of(self.folder, args["name"]))

    def units(self, _, answer):
        states = [units.state_of(self.folder, name) for name in units.names(self.folder)]
        answer([state for state in states if state is not None])

    def existing(self, name):
        state = units.state_of(self.folder, name)
        if state is None:
            known = ", ".join(self.unit_names()) or "none"
            raise Refused("refused", "no unit %s on this host; known: %s" % (name, known))
        return state

    def wait_unit(self, args, answer):
        name = args["name"]
        self.existing(name)
        until = time.monotonic() + args["timeoutMs"] / 1000

        def look():
            state = units.state_of(self.folder, name)
            if state is None:
                return swept(name, answer)
            if state["status"] != "running":
                answer.output(units.output_of(self.folder, name))
                return True
            if time.monotonic() > until:
                answer.failed("timeout")("unit %s did not end within %d ms" % (name, args["timeoutMs"]))
            return answer.done

        self.wait_for(look, answer, args["timeoutMs"])

    def wait_for(self, look, answer, timeout_ms=None):
        if not look():
            self.waiting.append((look, answer))
            if timeout_ms is not None:
                self.loop.later(timeout_ms / 1000 + 0.01, self.look_at_units)

    def follow(self, args, answer):
        name = args["name"]
        self.existing(name)
        path = os.path.join(units.unit_folder(self.folder, name), "log.jsonl")
        position = 0
        skip = args["from"]

        def look():
            nonlocal position, skip
            # The state first: what was written before the end is then certainly read.
            state = units.state_of(self.folder, name)
            try:
                with open(path, "rb") as file:
                    file.seek(position)
                    data = file.read()
            except FileNotFoundError:
                data = b""
            whole = data[: data.rfind(b"\n") + 1]
            position += len(whole)
            for line in whole.splitlines():
                if skip > 0:
                    skip -= 1
                else:
                    answer.line(line)
            if state is None or state["status"] != "running":
                answer(None)
            return answer.done

        self.wait_for(look, answer)

    def stop_unit(self, args, answer):
        name = args["name"]
        fence.check(self.folder, args["fence"])
        if self.existing(name)["status"] == "running":
            units.ask_to_end(self.folder, name)
        until = time.monotonic() + args["graceMs"] / 1000

        def look():
            state = units.state_of(self.folder, name)
            if state is None:
                return swept(name, answer)
            if state["status"] == "running":
                if time.monotonic() < until:
                    return answer.done
                if not units.kill(self.folder, name):
                    answer.failed("timeout")("unit %s survives SIGKILL" % name)
                    return True
            answer.output(units.output_of(self.folder, name))
            return True

        self.wait_for(look, answer, args["graceMs"])

    def sweep_units(self, args, answer):
        fence.check(self.folder, args["fence"])
        token = args["fence"]["token"]
        self.commands.kill(lambda command: command.token is not None and command.token < token)
        survivors = []
        for state in [units.state_of(self.folder, name) for name in self.unit_names()]:
            if state["status"] == "running" and state["token"] < token:
                if not units.kill(self.folder, state["name"]):
                    survivors.append(state["name"])
                    continue
            if units.state_of(self.folder, state["name"])["status"] != "running":
                units.remove(self.folder, state["name"])
        if survivors:
            raise Refused("timeout", "units survive SIGKILL: %s" % ", ".join(survivors))
        answer(None)


def swept(name, answer):
    """Units are removed by a higher token alone, as also happens to whoever waits for one."""
    answer.failed("fenced")("unit %s was removed by the sweep of a higher token" % name)
    return True


VERBS = {
    "hello": Server.hello, "clock": Server.clock, "readFiles": Server.read_files, "counters": Server.counters,
    "offloads": Server.offloads, "raise": Server.raise_token, "read": Server.read, "act": Server.act, "converse": Server.converse,
    "startUnit": Server.start_unit, "unit": Server.unit, "units": Server.units, "waitUnit": Server.wait_unit,
    "follow": Server.follow, "stopUnit": Server.stop_unit, "sweepUnits": Server.sweep_units,
}
