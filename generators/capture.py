"""A pcap of numbered UDP frames, all of one size.

Payload, big-endian: magic u16 0x4c48, tag u32, sequence u32, zero padding. Every record has the same
length, so the numbers are written into place by four strided assignments: milliseconds, where a loop
over the frames takes a third of a second.
"""
import socket
import struct

MAGIC = 0x4C48
PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
ETHERNET, IPV4, UDP = 14, 20, 8


def checksum(header):
    total = sum(struct.unpack("!%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def frame(flow, length):
    """One frame without FCS, sequence number 0. The UDP checksum is 0: not used (RFC 768)."""
    mac = lambda text: bytes.fromhex(text.replace(":", ""))
    ip = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, length - ETHERNET, 0, 0x4000, 64, socket.IPPROTO_UDP, 0,
        socket.inet_aton(flow["sourceIp"]), socket.inet_aton(flow["destinationIp"]),
    )
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    udp = struct.pack("!HHHH", flow["udpPort"], flow["udpPort"], length - ETHERNET - IPV4, 0)
    payload = struct.pack("!HII", MAGIC, flow["tag"], 0)
    head = mac(flow["destinationMac"]) + mac(flow["sourceMac"]) + b"\x08\x00" + ip + udp + payload
    return head + bytes(length - len(head))


def write_capture(path, flow, length, frames):
    record = struct.pack("<IIII", 0, 0, length, length) + frame(flow, length)
    data = bytearray(PCAP_HEADER + record * frames)
    sequence = len(PCAP_HEADER) + 16 + ETHERNET + IPV4 + UDP + 6
    numbers = struct.pack("!%dI" % frames, *range(frames))
    for byte in range(4):
        data[sequence + byte :: len(record)] = numbers[byte::4]
    with open(path, "wb") as file:
        file.write(data)
