"""
What `xl migrate` is given in the place of ssh: its standard streams over a TCP connection on the migration link.

usage: ADDRESS PORT FILE. FILE holds how many bytes the destination has acknowledged: what merely left this
host, again and again into a cut link, is no progress.
"""
import os
import select
import socket
import struct
import sys
import time

CONNECT_S = 20
NOTE_S = 0.1
#: linux/tcp.h, struct tcp_info: tcpi_bytes_acked.
BYTES_ACKED = 120


def main(address, port, path):
    link = socket.create_connection((address, int(port)), timeout=CONNECT_S)
    link.settimeout(None)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    note = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.set_blocking(link.fileno(), False)
    sources = [0, link]
    unsent = b""
    noted = 0
    while True:
        reading = [link] if unsent else sources
        ready, writable, _ = select.select(reading, [link] if unsent else [], [], NOTE_S)
        if link in ready:
            data = link.recv(65536)
            if not data:
                break
            while data:
                data = data[os.write(1, data) :]
        if 0 in ready:
            unsent = os.read(0, 65536)
            if not unsent:
                sources = [link]
                link.shutdown(socket.SHUT_WR)
        if unsent:
            try:
                unsent = unsent[link.send(unsent) :]
            except BlockingIOError:
                pass
        if time.monotonic() - noted > NOTE_S:
            noted = time.monotonic()
            acknowledge(link, note)
    acknowledge(link, note)


def acknowledge(link, note):
    told = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(told) >= BYTES_ACKED + 8:
        os.pwrite(note, b"%020d" % struct.unpack_from("=Q", told, BYTES_ACKED), 0)


try:
    main(*sys.argv[1:])
except OSError as error:
    sys.exit("migration link: %s" % error)
