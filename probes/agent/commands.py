"""Commands that run to their end while a caller waits, each in a process group of its own."""
import os
import selectors
import subprocess

from agent import processes
from agent.files import write_json
from agent.watcher import commands_folder, notify

OUTPUT_LIMIT_BYTES = 16 << 20


class Commands:
    """
    `answer(result)` is called once per command, with `exitCode: None` when it was killed at its
    timeout. A child that leaves the group (a daemon) is let live; the rest is killed at the timeout,
    or when the agent ends, by itself or (by the watcher) from without.
    """

    def __init__(self, folder, version, loop):
        self.folder = folder
        self.version = version
        self.loop = loop
        self.running = {}
        self.count = 0
        os.makedirs(commands_folder(folder, version), 0o700, exist_ok=True)

    def run(self, argv, stdin, timeout_ms, token, answer):
        try:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            # As a shell says it: not found 127, not executable 126.
            code = 127 if isinstance(error, FileNotFoundError) else 126
            answer({"exitCode": code, "stdout": "", "stderr": "cannot run %s: %s\n" % (argv[0], error)})
            return
        self.count += 1
        command = Command(self, child, token, answer, self.count)
        self.running[child.pid] = command
        if stdin is not None:
            command.feed(stdin.encode())
        notify(self.folder, self.version)
        self.loop.later(timeout_ms / 1000, command.expire)

    def reap(self):
        for command in list(self.running.values()):
            command.look()

    def kill(self, chosen=lambda command: True):
        for command in [command for command in self.running.values() if chosen(command)]:
            command.expire()


class Command:
    def __init__(self, commands, child, token, answer, number):
        self.commands = commands
        self.child = child
        self.token = token
        self.answer = answer
        now = processes.stat(child.pid)
        self.start_time = now[4] if now else 0
        self.record = os.path.join(
            commands_folder(commands.folder, commands.version), "%d-%d" % (os.getpid(), number)
        )
        write_json(self.record, {"pid": child.pid, "startTime": self.start_time})
        self.outputs = {child.stdout: bytearray(), child.stderr: bytearray()}
        self.input = memoryview(b"")
        for pipe in self.outputs:
            os.set_blocking(pipe.fileno(), False)
            commands.loop.register(pipe, selectors.EVENT_READ, self.copy)

    def feed(self, data):
        self.input = memoryview(data)
        os.set_blocking(self.child.stdin.fileno(), False)
        self.commands.loop.register(self.child.stdin, selectors.EVENT_WRITE, self.push)

    def push(self, pipe, _):
        try:
            self.input = self.input[os.write(pipe.fileno(), self.input[:65536]):]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.input = self.input[:0]
        if not self.input:
            self.commands.loop.unregister(pipe)
            pipe.close()
            self.child.stdin = None

    def copy(self, pipe, _):
        kept = self.outputs[pipe]
        while True:
            try:
                data = os.read(pipe.fileno(), 65536)
            except BlockingIOError:
                return
            if not data:
                self.commands.loop.unregister(pipe)
                return
            kept += data[: max(0, OUTPUT_LIMIT_BYTES - len(kept))]

    def look(self):
        """A daemon may keep the pipes open: the end is the command's own, with what it wrote until then."""
        if self.child.pid in self.commands.running and self.child.poll() is not None:
            self.finish(self.child.returncode if self.child.returncode >= 0 else 128 - self.child.returncode)

    def expire(self):
        if self.child.pid in self.commands.running:
            processes.kill_group(self.child.pid, self.start_time)
            self.child.wait()
            self.finish(None)

    def finish(self, exit_code):
        del self.commands.running[self.child.pid]
        for pipe in self.outputs:
            self.copy_rest(pipe)
        if self.child.stdin is not None:
            self.commands.loop.unregister(self.child.stdin)
            self.child.stdin.close()
        if os.path.exists(self.record):
            os.unlink(self.record)
        out, errors = (bytes(kept).decode("utf-8", "replace") for kept in self.outputs.values())
        self.answer({"exitCode": exit_code, "stdout": out, "stderr": errors})

    def copy_rest(self, pipe):
        if self.commands.loop.registered(pipe):
            self.copy(pipe, None)
            self.commands.loop.unregister(pipe)
        pipe.close()
