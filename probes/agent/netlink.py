"""Interface and queue counters by rtnetlink: all of a namespace in one read, no process started."""
import socket
import struct

RTM_GETLINK, RTM_GETQDISC, RTM_GETSTATS = 18, 38, 94
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
IFLA_IFNAME, IFLA_STATS64 = 3, 23
IFLA_STATS_LINK_64 = 1
TCA_STATS2, TCA_STATS_QUEUE = 7, 3
TC_H_ROOT = 0xFFFFFFFF

#: A dump of struct if_stats_msg and rtnl_link_stats64 of every interface (include/uapi/linux/if_link.h), Linux 4.7 on.
STATS_REQUEST = struct.pack("=IHHII", 28, RTM_GETSTATS, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + struct.pack(
    "=BxHII", 0, 0, 0, IFLA_STATS_LINK_64
)


def route_socket():
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    opened.bind((0, 0))
    return opened


def read_dump(opened, request):
    """The datagrams of a dump, up to and with the one that ends it."""
    opened.send(request)
    parts = []
    while True:
        part = opened.recv(262144)
        parts.append(part)
        kind = struct.unpack_from("=H", part, 4)[0]
        # The end comes in a datagram of its own, or as the last message of one.
        if kind in (NLMSG_DONE, NLMSG_ERROR) or ends(part):
            return b"".join(parts)


def ends(part):
    offset = 0
    while offset + 16 <= len(part):
        length, kind = struct.unpack_from("=IH", part, offset)
        if kind in (NLMSG_DONE, NLMSG_ERROR):
            return True
        offset += (length + 3) & ~3
    return False


def messages(dump):
    """Payloads of a dump's messages. @raises OSError when the kernel refused it."""
    offset = 0
    while offset + 16 <= len(dump):
        length, kind = struct.unpack_from("=IH", dump, offset)
        if kind == NLMSG_ERROR:
            code = struct.unpack_from("=i", dump, offset + 16)[0]
            raise OSError(-code, "netlink refused the dump")
        if kind != NLMSG_DONE:
            yield dump[offset + 16 : offset + length]
        offset += (length + 3) & ~3


def attributes(payload, offset):
    found = {}
    while offset + 4 <= len(payload):
        length, kind = struct.unpack_from("=HH", payload, offset)
        if length < 4:
            break
        found[kind & 0x3FFF] = payload[offset + 4 : offset + length]
        offset += (length + 3) & ~3
    return found


def request(kind, body):
    return struct.pack("=IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body


def interfaces(opened):
    """Name -> counters of every interface of this network namespace."""
    found = {}
    for payload in messages(read_dump(opened, request(RTM_GETLINK, struct.pack("=BxHiII", 0, 0, 0, 0, 0)))):
        index = struct.unpack_from("=i", payload, 4)[0]
        given = attributes(payload, 16)
        name = given[IFLA_IFNAME].rstrip(b"\0").decode()
        counters = struct.unpack_from("=16Q", given[IFLA_STATS64])
        found[name] = {
            "ifindex": index,
            "rxFrames": counters[0],
            "txFrames": counters[1],
            "rxBytes": counters[2],
            "txBytes": counters[3],
            "rxErrors": counters[4],
            "txErrors": counters[5],
            "rxDropped": counters[6],
            "txDropped": counters[7],
            "rxMissed": counters[15],
        }
    return found


def root_qdisc_drops(opened):
    """ifindex -> drops of the root queueing discipline."""
    found = {}
    for payload in messages(read_dump(opened, request(RTM_GETQDISC, struct.pack("=B3xiIII", 0, 0, 0, 0, 0)))):
        index, _, parent = struct.unpack_from("=iII", payload, 4)
        given = attributes(payload, 20)
        if parent == TC_H_ROOT and TCA_STATS2 in given:
            nested = attributes(given[TCA_STATS2], 0)
            if TCA_STATS_QUEUE in nested:
                found[index] = struct.unpack_from("=3I", nested[TCA_STATS_QUEUE])[2]
    return found
