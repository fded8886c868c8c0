"""
Unit: the counters of every interface of the host's network namespace at a fixed interval, each read
between two looks at the monotonic clock. The loop keeps what the kernel said, compressed; it is
parsed by the controller. About 10 % of one interface's 228 bytes a sample remain.
"""
import array
import base64
import os
import socket
import struct
import time
import zlib

from agent import netlink
from agent.wrapper import prefer

#: Bytes of one interface in an RTM_GETSTATS dump before its link counters' attribute.
HEADER = 28


def packed(data):
    return base64.b64encode(zlib.compress(data, 1)).decode()


class Netlink:
    """RTM_GETSTATS: binary, with ifindex, Linux 4.7 on."""

    format = "getstats"

    def __init__(self):
        self.socket = netlink.route_socket()
        list(netlink.messages(self.read()))

    def read(self):
        return netlink.read_dump(self.socket, netlink.STATS_REQUEST)

    def identity(self, raw):
        """Changes when an interface comes, goes or is made anew."""
        found = []
        offset = 0
        while offset + 24 <= len(raw):
            length, kind = struct.unpack_from("=IH", raw, offset)
            if kind != netlink.NLMSG_DONE:
                found.append(struct.unpack_from("=I", raw, offset + 20)[0])
            offset += (length + 3) & ~3
        return found


class ProcNetDev:
    """/proc/net/dev: text, without ifindex; for older kernels."""

    format = "procnetdev"

    def __init__(self):
        self.file = os.open("/proc/net/dev", os.O_RDONLY)

    def read(self):
        parts = []
        offset = 0
        while True:
            part = os.pread(self.file, 65536, offset)
            if not part:
                return b"".join(parts)
            parts.append(part)
            offset += len(part)

    def identity(self, raw):
        return [line[: line.find(b":")] for line in raw.splitlines()[2:]]


def open_source():
    try:
        return Netlink()
    except OSError:
        return ProcNetDev()


def main(args, unit):
    prefer()
    interval_ns = int(args["intervalMs"] * 1e6)
    source = open_source()
    names = dict(socket.if_nameindex())
    known = source.identity(source.read())
    before, after, lengths = array.array("q"), array.array("q"), array.array("i")
    compressor = zlib.compressobj(1)
    chunks = []
    clock = time.monotonic_ns
    unit.emit({"ready": True})
    due = clock()
    while not unit.stopping():
        begun = clock()
        raw = source.read()
        ended = clock()
        identity = source.identity(raw)
        if identity != known:
            known = identity
            names.update(socket.if_nameindex())
        before.append(begun // 1000)
        after.append(ended // 1000)
        lengths.append(len(raw))
        chunk = compressor.compress(raw)
        if chunk:
            chunks.append(chunk)
        due += interval_ns
        left = due - clock()
        if left < -interval_ns:
            # Ticks that are over are missed, not made up for in a burst.
            due += -left // interval_ns * interval_ns
        unit.wait((due - clock()) / 1e9)
    chunks.append(compressor.flush())
    return {
        "format": source.format,
        "intervalMs": args["intervalMs"],
        "names": {str(index): name for index, name in names.items()},
        "beforeUs": packed(before.tobytes()),
        "afterUs": packed(after.tobytes()),
        "lengths": packed(lengths.tobytes()),
        "samples": base64.b64encode(b"".join(chunks)).decode(),
    }
