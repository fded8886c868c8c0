"""Asks for the MAC of an address by ARP (RFC 826) until it is answered. An answer shows a kernel alive on layer 2."""
import select
import socket
import struct
import time

INTERVAL_S = 0.5
ETHERTYPE = 0x0806


def octets(mac):
    return bytes(int(part, 16) for part in mac.split(":"))


def main(args, unit):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    sock.bind((args["device"], ETHERTYPE))
    own, wanted = octets(args["mac"]), socket.inet_aton(args["destination"])
    request = (
        b"\xff" * 6 + own + struct.pack("!HHHBBH", ETHERTYPE, 1, 0x0800, 6, 4, 1)
        + own + socket.inet_aton(args["source"]) + b"\0" * 6 + wanted
    )
    end = time.monotonic() + args["deadlineMs"] / 1000
    tries = 0
    while time.monotonic() < end and not unit.stopping():
        tries += 1
        sock.send(request.ljust(60, b"\0"))
        due = min(end, time.monotonic() + INTERVAL_S)
        while time.monotonic() < due:
            if not select.select([sock], [], [], max(0, due - time.monotonic()))[0]:
                break
            frame = sock.recv(2048)
            operation = struct.unpack("!H", frame[20:22])[0]
            if operation == 2 and frame[28:32] == wanted:
                return {"answered": True, "tries": tries, "error": None}
    return {"answered": False, "tries": tries, "error": None}
