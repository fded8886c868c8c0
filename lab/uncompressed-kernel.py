"""
The ELF kernel inside a bzImage (Documentation/x86/boot.rst: payload_offset, payload_length).

usage: SOURCE DESTINATION. Exits 3 when the payload is not compressed by xz, or its kernel has no PVH
entry (ELF note 18 of owner Xen), which is how QEMU starts an ELF kernel.
"""
import lzma
import struct
import sys

XZ = b"\xfd7zXZ\0"
PVH_ENTRY_NOTE = struct.pack("<III", 4, 8, 18) + b"Xen\0"


def main(source, destination):
    with open(source, "rb") as file:
        image = file.read()
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    payload = image[start : start + length]
    if image[0x202:0x206] != b"HdrS" or not payload.startswith(XZ):
        return 3
    # The payload ends with its uncompressed length, which is no part of the xz stream.
    kernel = lzma.LZMADecompressor().decompress(payload)
    if not kernel.startswith(b"\x7fELF") or PVH_ENTRY_NOTE not in kernel:
        return 3
    with open(destination, "wb") as file:
        file.write(kernel)
    return 0


sys.exit(main(*sys.argv[1:]))
