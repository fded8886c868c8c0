"""
A packet socket's memory-mapped receive ring, TPACKET_V3 (Documentation/networking/packet_mmap.rst):
the kernel writes frames with its own time stamps, block by block, and a process takes a block at a time.
"""
import ctypes
import mmap
import select
import socket
import struct

SOL_PACKET = 263
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_RESERVE = 5, 6, 10, 12
TPACKET_V3 = 2
SO_ATTACH_FILTER, SO_TIMESTAMPNS = 26, 35
ETH_P_IP = 0x0800
BLOCK_BYTES = 1 << 18
#: A block that is not full is handed over after this time.
RETIRE_MS = 20
TP_STATUS_USER = 1
STATUS_OFFSET = 8
RESERVE = 2


def udp_filter(port, snaplen):
    """Classic BPF: IPv4, UDP, no later fragment, this destination port; of these the first `snaplen` bytes."""
    return [
        (0x28, 0, 0, 12), (0x15, 0, 8, ETH_P_IP),      # ldh [12]; jeq IPv4
        (0x30, 0, 0, 23), (0x15, 0, 6, 17),            # ldb [23]; jeq UDP
        (0x28, 0, 0, 20), (0x45, 4, 0, 0x1FFF),        # ldh [20]; jset fragment offset
        (0xB1, 0, 0, 14),                              # ldxb 4*([14]&0xf)
        (0x48, 0, 0, 16), (0x15, 0, 1, port),          # ldh [x+16]; jeq port
        (0x06, 0, 0, snaplen),
        (0x06, 0, 0, 0),
    ]


def attach_filter(opened, program):
    code = b"".join(struct.pack("=HBBI", *step) for step in program)
    held = ctypes.create_string_buffer(code, len(code))
    opened.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(program), ctypes.addressof(held))
    )


class Ring:
    def __init__(self, device, port, snaplen, ring_bytes):
        self.blocks = max(4, ring_bytes // BLOCK_BYTES)
        # Protocol 0: nothing is taken in before filter and ring stand.
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        # Two bytes before each frame put the payload's tag and sequence number on words.
        self.socket.setsockopt(SOL_PACKET, PACKET_RESERVE, RESERVE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        attach_filter(self.socket, udp_filter(port, snaplen))
        self.socket.setsockopt(SOL_PACKET, PACKET_RX_RING, struct.pack(
            "=7I", BLOCK_BYTES, self.blocks, 2048, self.blocks * (BLOCK_BYTES // 2048), RETIRE_MS, 0, 0
        ))
        self.map = mmap.mmap(self.socket.fileno(), self.blocks * BLOCK_BYTES, mmap.MAP_SHARED,
                             mmap.PROT_READ | mmap.PROT_WRITE)
        self.next = 0
        self.socket.bind((device, ETH_P_IP))

    def take(self):
        """(number of frames, copy of the block from its first frame on), or None when no block is ready."""
        base = self.next * BLOCK_BYTES
        if not struct.unpack_from("=I", self.map, base + STATUS_OFFSET)[0] & TP_STATUS_USER:
            return None
        frames, first, length = struct.unpack_from("=3I", self.map, base + 12)
        copy = self.map[base + first : base + length]
        struct.pack_into("=I", self.map, base + STATUS_OFFSET, 0)
        self.next = (self.next + 1) % self.blocks
        return frames, copy

    def wait(self, others, seconds):
        poll = select.poll()
        poll.register(self.socket, select.POLLIN | select.POLLERR)
        for other in others:
            poll.register(other, select.POLLIN)
        poll.poll(max(0, seconds) * 1000)

    def clear_error(self):
        """An interface that went down leaves an error that would wake every wait."""
        self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def dropped(self):
        """Frames dropped at this socket since the last call."""
        return struct.unpack("=3I", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 12))[1]


def refuse_quietly(port):
    """A bound UDP socket that takes nothing in: the host sends no ICMP `port unreachable` back through the router."""
    quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    attach_filter(quiet, [(0x06, 0, 0, 0)])
    quiet.bind(("", port))
    return quiet
