"""
Unit: the RTT side flow, ICMP echo at a fixed interval with sequence numbers, answered by the other
end's kernel. A round trip ends at the kernel's receive stamp, so that this process may be late.
Not RFC 2544 latency: the flow is apart from the measured one.
"""
import os
import select
import socket
import struct
import time

from agent.wrapper import prefer

ICMP_FILTER = 1
ICMP_ECHO, ICMP_ECHOREPLY = 8, 0
SO_TIMESTAMPNS = 35
HEAD = struct.Struct("!BBHHHIIq")


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def probe(identifier, run, index, sent_ns):
    empty = HEAD.pack(ICMP_ECHO, 0, 0, identifier, index & 0xFFFF, run, index, sent_ns)
    return HEAD.pack(ICMP_ECHO, 0, checksum(empty), identifier, index & 0xFFFF, run, index, sent_ns)


def open_socket(args):
    opened = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    opened.setsockopt(socket.SOL_RAW if hasattr(socket, "SOL_RAW") else 255, ICMP_FILTER,
                      struct.pack("=I", ~(1 << ICMP_ECHOREPLY) & 0xFFFFFFFF))
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    if args.get("source"):
        opened.bind((args["source"], 0))
    opened.connect((args["destination"], 0))
    opened.setblocking(False)
    return opened


def main(args, unit):
    prefer()
    opened = open_socket(args)
    interval_ns = int(args["intervalMs"] * 1e6)
    identifier = os.getpid() & 0xFFFF
    run = struct.unpack("=I", os.urandom(4))[0]
    sent_us, rtt_ns, refused = [], [], 0

    def receive():
        while True:
            try:
                data, ancillary, _, _ = opened.recvmsg(256, 64)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of the path, reported once: the probe stays unanswered
            arrived = time.time_ns()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("=qq", value[:16])
                    arrived = seconds * 1_000_000_000 + nanoseconds
            begin = (data[0] & 15) * 4
            if len(data) < begin + HEAD.size:
                continue
            _, _, _, to, _, of, index, sent_ns = HEAD.unpack_from(data, begin)
            if to == identifier and of == run and index < len(rtt_ns) and rtt_ns[index] is None:
                rtt_ns[index] = max(0, arrived - sent_ns)

    def listen(until_ns, or_stop):
        while True:
            left = (until_ns - time.monotonic_ns()) / 1e9
            sources = [opened, unit] if or_stop else [opened]
            if left <= 0 or (or_stop and unit.stopping()):
                return
            if opened in select.select(sources, [], [], left)[0]:
                receive()

    unit.emit({"ready": True})
    due = time.monotonic_ns()
    while not unit.stopping():
        index = len(sent_us)
        rtt_ns.append(None)
        sent_us.append(time.monotonic_ns() // 1000)
        try:
            opened.send(probe(identifier, run, index, time.time_ns()))
        except OSError:
            # It never left this host: the path has not lost it.
            refused += 1
            sent_us.pop()
            rtt_ns.pop()
        due = max(due + interval_ns, time.monotonic_ns() - interval_ns)
        listen(due, True)
    patience = time.monotonic_ns() + int(args["lastReplyMs"] * 1e6)
    while None in rtt_ns[-64:] and time.monotonic_ns() < patience:
        listen(min(patience, time.monotonic_ns() + 5_000_000), False)
    return {
        "intervalMs": args["intervalMs"],
        "sentUs": sent_us,
        "rttMs": [None if value is None else round(value / 1e6, 6) for value in rtt_ns],
        "refused": refused,
    }
