# SPDX-FileCopyrightText: The triaged authors
# SPDX-License-Identifier: Apache-2.0
"""A requestor small enough not to be what is measured: C-STORE of data that is made while it is sent, and C-FIND."""

import socket
import struct
import uuid

VERIFICATION_TIMEOUT = 120
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MULTI_FRAME_WORD = "1.2.840.10008.5.1.4.1.1.7.3"
CR_IMAGE = "1.2.840.10008.5.1.4.1.1.1"
# Of no interest to anybody but the acceptor's log.
CLASS_UID = "2.25.308273948120349812"


class Refused(Exception):
    """The acceptor does not offer what was asked for; the message says which."""


def new_uid():
    return f"2.25.{uuid.uuid4().int}"


def padded(value, padding=b"\0"):
    value = value.encode() if isinstance(value, str) else value
    return value + padding * (len(value) % 2)


def implicit(group, element, value):
    return struct.pack("<HHI", group, element, len(value)) + value


def explicit(group, element, vr, value):
    value = padded(value, b"\0" if vr == "UI" else b" ")
    if vr in ("OB", "OW"):
        return struct.pack("<HH2sHI", group, element, vr.encode(), 0, len(value)) + value
    return struct.pack("<HH2sH", group, element, vr.encode(), len(value)) + value


def image_head(sop_class, instance, study, series, rows, columns, frames, patient="BENCH"):
    """An image's data set in Explicit VR Little Endian, without Pixel Data."""
    short = struct.Struct("<H").pack
    elements = [
        explicit(0x0008, 0x0008, "CS", "ORIGINAL\\PRIMARY"), explicit(0x0008, 0x0016, "UI", sop_class),
        explicit(0x0008, 0x0018, "UI", instance), explicit(0x0008, 0x0020, "DA", "20260101"),
        explicit(0x0008, 0x0050, "SH", "A1"), explicit(0x0008, 0x0060, "CS", "CR" if frames == 1 else "OT"),
        explicit(0x0010, 0x0010, "PN", "Bench^Mark"), explicit(0x0010, 0x0020, "LO", patient),
        explicit(0x0020, 0x000D, "UI", study), explicit(0x0020, 0x000E, "UI", series),
        explicit(0x0020, 0x0013, "IS", "1"), explicit(0x0028, 0x0002, "US", short(1)),
        explicit(0x0028, 0x0004, "CS", "MONOCHROME2"), explicit(0x0028, 0x0008, "IS", str(frames)),
        explicit(0x0028, 0x0010, "US", short(rows)), explicit(0x0028, 0x0011, "US", short(columns)),
        explicit(0x0028, 0x0100, "US", short(16)), explicit(0x0028, 0x0101, "US", short(16)),
        explicit(0x0028, 0x0102, "US", short(15)), explicit(0x0028, 0x0103, "US", short(0)),
    ]
    return b"".join(elements)


def write_thumbnail(path, study, series):
    """A CR thumbnail of 10 kB as a Part 10 file."""
    instance = new_uid()
    data = image_head(CR_IMAGE, instance, study, series, 68, 68, 1)
    data += explicit(0x7FE0, 0x0010, "OW", (uuid.uuid4().bytes * 600)[:2 * 68 * 68])
    meta = explicit(0x0002, 0x0001, "OB", b"\0\1") + explicit(0x0002, 0x0002, "UI", CR_IMAGE)
    meta += explicit(0x0002, 0x0003, "UI", instance) + explicit(0x0002, 0x0010, "UI", EXPLICIT)
    meta += explicit(0x0002, 0x0012, "UI", CLASS_UID)
    head = explicit(0x0002, 0x0000, "UL", struct.pack("<I", len(meta)))
    path.write_bytes(bytes(128) + b"DICM" + head + meta + data)


class Association:
    """With one presentation context, whose acceptance is required."""

    def __init__(self, port, calling, called, abstract, transfer):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=VERIFICATION_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb", buffering=1 << 16)
        self.message = 0

        def item(kind, body):
            return struct.pack(">BBH", kind, 0, len(body)) + body

        context = item(0x20, b"\1\0\0\0" + item(0x30, abstract.encode()) + item(0x40, transfer.encode()))
        user = item(0x50, item(0x51, struct.pack(">I", 131072)) + item(0x52, CLASS_UID.encode()))
        body = struct.pack(">HH16s16s32s", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode(), b"")
        body += item(0x10, b"1.2.840.10008.3.1.1.1") + context + user
        self.socket.sendall(struct.pack(">BBI", 1, 0, len(body)) + body)
        kind, answer = self.pdu()
        if kind != 2:
            raise Refused("the association was rejected")
        self.maximum, at = 16384, 68
        while at < len(answer):
            kind, length = answer[at], struct.unpack_from(">H", answer, at + 2)[0]
            if kind == 0x21 and answer[at + 6] != 0:
                raise Refused(f"the node does not accept {abstract}")
            if kind == 0x50 and answer[at + 4] == 0x51:
                self.maximum = min(struct.unpack_from(">I", answer, at + 8)[0] or 131072, 131072)
            at += 4 + length

    def pdu(self):
        head = self.file.read(6)
        if len(head) < 6:
            raise ConnectionError("the node closed the connection")
        body = self.file.read(struct.unpack(">BBI", head)[2])
        return head[0], body

    @staticmethod
    def command(elements):
        body = b"".join(implicit(0x0000, element, value) for element, value in elements)
        return implicit(0x0000, 0x0000, struct.pack("<I", len(body))) + body

    @staticmethod
    def packed(fragment, is_command, is_last):
        control = is_command | is_last << 1
        return struct.pack(">BBIIBB", 4, 0, len(fragment) + 6, len(fragment) + 2, 1, control) + fragment

    def responses(self):
        """(status, data set) of each response to the last request, up to the final one."""
        while True:
            parts = {True: b"", False: b""}
            status, awaits_data = None, False
            while status is None or awaits_data:
                kind, body = self.pdu()
                if kind != 4:
                    raise ConnectionError(f"PDU of type {kind} where a response was due")
                at = 0
                while at < len(body):
                    length = struct.unpack_from(">I", body, at)[0]
                    control, fragment = body[at + 5], body[at + 6:at + 4 + length]
                    at += 4 + length
                    parts[bool(control & 1)] += fragment
                    if control == 3:
                        fields = self.fields(parts[True])
                        status = struct.unpack("<H", fields[0x0900])[0]
                        awaits_data = struct.unpack("<H", fields[0x0800])[0] != 0x0101
                    elif control == 2:
                        awaits_data = False
            yield status, parts[False]
            if status not in (0xFF00, 0xFF01):
                return

    @staticmethod
    def fields(command):
        fields, at = {}, 0
        while at < len(command):
            _, element, length = struct.unpack_from("<HHI", command, at)
            fields[element] = command[at + 8:at + 8 + length]
            at += 8 + length
        return fields

    def store(self, sop_class, instance, head, block, count):
        """Sends a data set of `head` and Pixel Data of `count` times `block`; returns the status."""
        self.message += 1
        command = self.command([
            (0x0002, padded(sop_class)), (0x0100, struct.pack("<H", 1)), (0x0110, struct.pack("<H", self.message)),
            (0x0700, struct.pack("<H", 0)), (0x0800, struct.pack("<H", 0)), (0x1000, padded(instance))])
        self.socket.sendall(self.packed(command, True, True))
        start = head + struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, len(block) * count)
        self.socket.sendall(self.packed(start, False, False))
        middle = self.packed(block, False, False)
        for _ in range(count - 1):
            self.socket.sendall(middle)
        self.socket.sendall(self.packed(block, False, True))
        return [status for status, _ in self.responses()][-1]

    def find(self, patient):
        """The statuses of a study-level C-FIND by Patient ID."""
        self.message += 1
        command = self.command([
            (0x0002, padded(STUDY_ROOT_FIND)), (0x0100, struct.pack("<H", 0x20)),
            (0x0110, struct.pack("<H", self.message)), (0x0700, struct.pack("<H", 0)),
            (0x0800, struct.pack("<H", 1))])
        identifier = (
            implicit(0x0008, 0x0020, b"") + implicit(0x0008, 0x0050, b"") + implicit(0x0008, 0x0052, padded("STUDY", b" "))
            + implicit(0x0010, 0x0010, b"") + implicit(0x0010, 0x0020, padded(patient, b" "))
            + implicit(0x0020, 0x000D, b""))
        self.socket.sendall(self.packed(command, True, True) + self.packed(identifier, False, True))
        return [status for status, _ in self.responses()]

    def release(self):
        self.socket.sendall(struct.pack(">BBII", 5, 0, 4, 0))
        self.pdu()
        self.socket.close()
