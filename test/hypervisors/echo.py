"""Asks a host for ICMP echoes: exits 0 when as many as asked for came back. Debian's base has no ping."""
import socket
import struct
import sys

address, wanted = sys.argv[1], int(sys.argv[2])


def request(number):
    body = struct.pack("!BBHHH", 8, 0, 0, 0x4C48, number)
    total = sum(struct.unpack("!4H", body))
    total = (total & 0xFFFF) + (total >> 16)
    return body[:2] + struct.pack("!H", ~total & 0xFFFF) + body[4:]


with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
    sock.settimeout(2)
    for number in range(wanted):
        sock.sendto(request(number), (address, 0))
        while True:
            packet = sock.recv(2048)
            reply = packet[(packet[0] & 15) * 4:]
            if reply[0] == 0 and struct.unpack("!HH", reply[4:8]) == (0x4C48, number):
                break
