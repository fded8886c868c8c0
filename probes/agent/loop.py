"""A selectors loop with timers and child signals; one thread, so that a fork is always safe."""
import heapq
import os
import selectors
import signal
import time
import traceback


class Loop:
    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.timers = []
        self.count = 0
        self.running = True
        self.on_child = lambda: None
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.register(wake_read, selectors.EVENT_READ, self._woken)

    def _woken(self, descriptor, _):
        os.read(descriptor, 4096)
        self.on_child()

    def register(self, source, events, callback):
        self.selector.register(source, events, callback)

    def modify(self, source, events, callback):
        self.selector.modify(source, events, callback)

    def registered(self, source):
        try:
            return source in self.selector.get_map()
        except ValueError:  # closed already
            return False

    def unregister(self, source):
        if self.registered(source):
            self.selector.unregister(source)

    def later(self, seconds, callback):
        self.count += 1
        heapq.heappush(self.timers, (time.monotonic() + seconds, self.count, callback))

    def run(self):
        while self.running:
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, events in self.selector.select(wait):
                # An earlier callback of this round may have closed it.
                if self.registered(key.fileobj):
                    self.call(key.data, key.fileobj, events)
            while self.timers and self.timers[0][0] <= time.monotonic():
                self.call(heapq.heappop(self.timers)[2])

    def call(self, callback, *given):
        """A fault in one answer must not end the others': it is written to the agent's log."""
        try:
            callback(*given)
        except Exception:
            traceback.print_exc()
