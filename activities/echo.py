"""Sends an ICMP echo request every 200 ms until one is answered. Any router between learns both ends."""
import os
import select
import socket
import struct
import time

INTERVAL_S = 0.2


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def request(identifier, sequence):
    head = struct.pack("!BBHHH", 8, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", 8, 0, checksum(head), identifier, sequence)


def answered(sock, identifier, until):
    """True when an echo reply to this process came in before `until`."""
    while True:
        left = until - time.monotonic()
        if left <= 0 or not select.select([sock], [], [], left)[0]:
            return False
        packet = sock.recv(2048)
        kind, _, _, found = struct.unpack("!BBHH", packet[20:26])
        if kind == 0 and found == identifier:
            return True


def main(args, unit):
    identifier = os.getpid() & 0xFFFF
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    start = time.monotonic()
    tries = 0
    error = None
    while time.monotonic() - start < args["deadlineMs"] / 1000 and not unit.stopping():
        tries += 1
        try:
            sock.sendto(request(identifier, tries & 0xFFFF), (args["destination"], 0))
        except OSError as problem:
            error = str(problem)
        if answered(sock, identifier, time.monotonic() + INTERVAL_S):
            return {"answered": True, "tries": tries, "afterMs": (time.monotonic() - start) * 1000}
    return {"answered": False, "tries": tries, "error": error}
