"""A conversation with a line-based Unix socket, as QMP and consoles are."""
import re
import selectors
import socket


class Conversation:
    """
    Sends each line and waits for the first whole line that its pattern is found in; answers with
    these lines, one for each exchange. `fail(message)` when the socket refuses, closes or the time is up.
    """

    def __init__(self, loop, path, exchange, timeout_ms, answer, fail):
        self.loop = loop
        self.path = path
        self.exchange = list(exchange)
        self.answer = answer
        self.fail = fail
        self.heard = []
        self.rest = b""
        self.over = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.socket.settimeout(1)
            self.socket.connect(path)
            self.socket.setblocking(False)
        except OSError as error:
            self.socket.close()
            self.over = True
            fail("cannot connect to %s: %s" % (path, error))
            return
        loop.register(self.socket, selectors.EVENT_READ, self.hear)
        loop.later(timeout_ms / 1000, lambda: self.end("no line like %r within %d ms" % (
            self.exchange[0]["until"] if self.exchange else "", timeout_ms)))
        self.say()

    def say(self):
        if not self.exchange:
            self.end(None)
        elif self.exchange[0]["send"] is not None:
            try:
                self.socket.sendall(self.exchange[0]["send"].encode() + b"\n")
            except OSError as error:
                self.end("sending failed: %s" % error)

    def hear(self, *_):
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            self.end("reading failed: %s" % error)
            return
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").rstrip("\r")
            if not self.over and re.search(self.exchange[0]["until"], text):
                self.heard.append(text)
                del self.exchange[0]
                self.say()
        if not data and not self.over:
            self.end("closed by the other side")

    def end(self, problem):
        if self.over:
            return
        self.over = True
        self.loop.unregister(self.socket)
        self.socket.close()
        if problem is None:
            self.answer(self.heard)
        else:
            self.fail("%s: %s, after %d of the exchanges" % (self.path, problem, len(self.heard)))
