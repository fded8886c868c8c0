"""Settings of every interface of a host, as the kernel has them now."""
import array
import fcntl
import os
import socket
import struct

SIOCETHTOOL = 0x8946
# include/uapi/linux/ethtool.h
OFFLOADS = {
    "rxChecksum": 0x14, "txChecksum": 0x16, "scatterGather": 0x18,
    "tso": 0x1E, "gso": 0x23, "gro": 0x2B,
}
GDRVINFO = 0x03


def text(path):
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


def ethtool(sock, device, buffer):
    data = array.array("B", buffer)
    address, _ = data.buffer_info()
    try:
        fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP", device.encode(), address))
    except OSError:
        return None
    return data.tobytes()


def offload(sock, device, command):
    answer = ethtool(sock, device, struct.pack("II", command, 0))
    return None if answer is None else bool(struct.unpack("II", answer)[1])


def driver(sock, device):
    answer = ethtool(sock, device, struct.pack("I", GDRVINFO) + bytes(192))
    return None if answer is None else answer[4:36].split(b"\0")[0].decode()


def interface(sock, device):
    folder = os.path.join("/sys/class/net", device)
    master = os.path.join(folder, "master")
    return {
        "driver": driver(sock, device),
        "mac": text(os.path.join(folder, "address")),
        "mtu": int(text(os.path.join(folder, "mtu")) or 0),
        "state": text(os.path.join(folder, "operstate")),
        "txQueueLength": int(text(os.path.join(folder, "tx_queue_len")) or 0),
        "bridge": os.path.basename(os.readlink(master)) if os.path.islink(master) else None,
        "offloads": {name: offload(sock, device, command) for name, command in OFFLOADS.items()},
    }


def main(args, unit):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    return {
        "interfaces": {device: interface(sock, device) for device in sorted(os.listdir("/sys/class/net"))
                       if os.path.islink(os.path.join("/sys/class/net", device))},
        "ipForward": text("/proc/sys/net/ipv4/ip_forward"),
        "netdevMaxBacklog": text("/proc/sys/net/core/netdev_max_backlog"),
        "governor": text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    }
