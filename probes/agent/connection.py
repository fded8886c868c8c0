"""
Connections to the agent: JSON lines `{"id", "verb", "args"}`, answered in any order by `{"id", "ok"}` or
`{"id", "error": {"kind", "message"}}`; `follow` answers `{"id", "line"}` many times first, until
`forget` names its id, which itself has no answer.
Error kinds: fenced, refused (bad request), timeout (no exit status), failed (the agent's own fault).
"""
import json
import selectors
import traceback

from agent.fence import Refused


class Answer:
    """What a verb answers by. After a lost connection `done` is true and nothing is sent."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number
        self.finished = False

    @property
    def done(self):
        return self.finished or self.connection.closed or self.number in self.connection.forgotten

    def __call__(self, value):
        self._finish({"id": self.number, "ok": value})

    def output(self, output):
        """A unit's output, whose result is JSON text already."""
        result = output.pop("result")
        head = json.dumps({"id": self.number, "ok": output}, separators=(",", ":"))
        self.finished = True
        self.connection.send(('%s,"result":%s}}\n' % (head[:-2], result)).encode())

    def line(self, text):
        self.connection.send(b'{"id":%d,"line":%s}\n' % (self.number, text))

    def failed(self, kind):
        return lambda message: self._finish({"id": self.number, "error": {"kind": kind, "message": message}})

    def _finish(self, value):
        self.finished = True
        self.connection.send(json.dumps(value, separators=(",", ":")).encode() + b"\n")


class Connection:
    """`answer_by(verb, args, answer)` does what is asked; `when_closed(connection)` is told of the end."""

    def __init__(self, loop, opened, answer_by, when_closed):
        self.loop = loop
        self.socket = opened
        self.answer_by = answer_by
        self.when_closed = when_closed
        self.socket.setblocking(False)
        self.closed = False
        self.forgotten = set()
        self.received = []
        self.unsent = []
        self.writing = False
        loop.register(opened, selectors.EVENT_READ, self.ready)

    def ready(self, _, events):
        if events & selectors.EVENT_WRITE:
            self.flush()
        if events & selectors.EVENT_READ and not self.closed:
            self.receive()

    def receive(self):
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join(self.received) + lines[0]
            self.received = []
        self.received.append(rest)
        for line in lines:
            self.handle(line)

    def handle(self, line):
        try:
            request = json.loads(line)
            answer = Answer(self, request["id"])
        except (ValueError, KeyError, TypeError):
            traceback.print_exc()
            self.close()
            return
        if request["verb"] == "forget":
            self.forgotten.add(request["args"]["id"])
            return
        try:
            self.answer_by(request["verb"], request["args"], answer)
        except Refused as refusal:
            answer.failed(refusal.kind)(str(refusal))
        except Exception:
            answer.failed("failed")(traceback.format_exc())

    def send(self, data):
        if self.closed:
            return
        self.unsent.append(memoryview(data))
        self.flush()

    def flush(self):
        try:
            while self.unsent:
                sent = self.socket.send(self.unsent[0][: 1 << 20])
                self.unsent[0] = self.unsent[0][sent:]
                if not self.unsent[0]:
                    del self.unsent[0]
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if bool(self.unsent) != self.writing:
            self.writing = not self.writing
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.writing else 0)
            self.loop.modify(self.socket, wanted, self.ready)

    def close(self):
        if not self.closed:
            self.closed = True
            self.loop.unregister(self.socket)
            self.socket.close()
            self.when_closed(self)
