"""Relays standard input and output to a TCP port. usage: ADDRESS PORT. Ends when the peer has closed."""
import os
import selectors
import socket
import sys

CONNECT_S = 10


def main(address, port):
    link = socket.create_connection((address, int(port)), timeout=CONNECT_S)
    link.settimeout(None)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(link, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is link:
                data = link.recv(65536)
                if not data:
                    return
                while data:
                    data = data[os.write(1, data) :]
            else:
                data = os.read(0, 65536)
                if data:
                    link.sendall(data)
                else:
                    waiting.unregister(0)
                    link.shutdown(socket.SHUT_WR)


try:
    main(*sys.argv[1:])
except OSError as error:
    sys.exit("relay to %s: %s" % (":".join(sys.argv[1:]), error))
