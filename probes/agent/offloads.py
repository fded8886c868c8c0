"""Offloads of interfaces, asked of their drivers (linux/ethtool.h), by the names that ethtool(8) prints."""
import ctypes
import fcntl
import socket
import struct

SIOCETHTOOL = 0x8946
COMMANDS = {
    "rx-checksum": 0x14,
    "tx-checksum": 0x16,
    "tcp-segmentation-offload": 0x1E,
    "generic-segmentation-offload": 0x23,
    "generic-receive-offload": 0x2B,
}


def value(opened, device, command):
    """None where the driver does not tell."""
    data = ctypes.create_string_buffer(struct.pack("=II", command, 0))
    try:
        fcntl.ioctl(opened, SIOCETHTOOL, struct.pack("16sP", device.encode(), ctypes.addressof(data)))
    except OSError:
        return None
    return struct.unpack("=II", data.raw[:8])[1] != 0


def offloads(devices):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        return {
            device: {name: value(opened, device, command) for name, command in COMMANDS.items()}
            for device in devices
        }
