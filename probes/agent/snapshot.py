"""All counters of a host at one moment, in a few milliseconds."""
import time

from agent import netlink


def text_of(path):
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return ""


def snapshot():
    opened = netlink.route_socket()
    try:
        at = time.monotonic_ns() // 1000
        interfaces = netlink.interfaces(opened)
        drops = netlink.root_qdisc_drops(opened)
    finally:
        opened.close()
    names = {counters["ifindex"]: name for name, counters in interfaces.items()}
    return {
        "atUs": at,
        "interfaces": interfaces,
        "qdiscDrops": {names[index]: count for index, count in drops.items() if index in names},
        "softnetStat": text_of("/proc/net/softnet_stat"),
        "snmp": text_of("/proc/net/snmp"),
    }
