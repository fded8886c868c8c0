"""Turns the offloads of network devices off, in the network namespaces of given processes.

Reads [{"pid": 1, "devices": ["eth0"]}] on standard input. One process for a whole lab: ethtool may
be missing, and a start per device would cost more than the lab. A device that refuses to be
switched ends it with an error; what was set is read back.
"""
import ctypes
import fcntl
import json
import os
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
CLONE_NEWNET = 0x40000000
# linux/ethtool.h: name, ETHTOOL_G..., ETHTOOL_S...; in this order, for checksums take the rest along.
FEATURES = [
    ("generic-receive-offload", 0x2B, 0x2C),
    ("tcp-segmentation-offload", 0x1E, 0x1F),
    ("generic-segmentation-offload", 0x23, 0x24),
    ("rx-checksum", 0x14, 0x15),
    ("tx-checksum", 0x16, 0x17),
]


def ethtool(sock, device, command, value=0):
    data = ctypes.create_string_buffer(struct.pack("=II", command, value))
    request = struct.pack("16sP", device.encode(), ctypes.addressof(data))
    fcntl.ioctl(sock, SIOCETHTOOL, request)
    return struct.unpack("=II", data.raw[:8])[1]


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    for place in json.load(sys.stdin):
        namespace = os.open("/proc/%d/ns/net" % place["pid"], os.O_RDONLY)
        if libc.setns(namespace, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns to process %d" % place["pid"])
        os.close(namespace)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for device in place["devices"]:
                for name, get, put in FEATURES:
                    ethtool(sock, device, put, 0)
                    if ethtool(sock, device, get) != 0:
                        raise SystemExit("%s: %s stays on" % (device, name))


main()
