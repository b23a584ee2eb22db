"""Files made to break a reader, in each encoding; and, run as a program, what every trigger answers to one.

The program writes a JSON object a file: a name of a way in, and its outcome.
"""

import asyncio
import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from pydantic import SecretStr

from functions import _wiring
from shared.errors import RejectedInstanceError
from shared.flows.index_instance import index_instance
from shared.records import ObjectKey
from tests.unit.functions.service import Service

UNDEFINED = 0xFFFF_FFFF
SEQUENCE = 0x0008_1115
NAME = b"Doe^Jane"
IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
UIDS = {
    0x0008_0016: b"1.2.840.10008.5.1.4.1.1.2\0",
    0x0008_0018: b"1.2.3.4.5.6\0",
    0x0020_000D: b"1.2.3.4\0",
    0x0020_000E: b"1.2.3.4.5\0",
}


@dataclass(frozen=True)
class Encoded:
    """Writes elements of one transfer syntax, which may claim another length than their value has."""

    uid: str

    @property
    def order(self) -> str:
        """The byte order."""
        return ">" if self.uid == BIG_ENDIAN else "<"

    def element(self, tag: int, vr: str, value: bytes = b"", length: int | None = None) -> bytes:
        """Return an element."""
        length = len(value) if length is None else length
        head = pack(f"{self.order}HH", tag >> 16, tag & 0xFFFF)
        if self.uid == IMPLICIT:
            return head + pack("<L", length) + value
        head += vr.encode()
        long = vr in ("SQ", "UT", "OW", "OB", "UN")
        return head + (pack(f"{self.order}HL", 0, length) if long else pack(f"{self.order}H", length)) + value

    def mark(self, number: int, length: int = 0) -> bytes:
        """Return the head of an item (E000), or the end of one (E00D) or of a sequence (E0DD)."""
        return pack(f"{self.order}HHL", 0xFFFE, number, length)

    def nested(self, levels: int, innermost: bytes) -> bytes:
        """Return a sequence *levels* deep."""
        head = self.element(SEQUENCE, "SQ", length=UNDEFINED) + self.mark(0xE000, UNDEFINED)
        return head * levels + innermost + (self.mark(0xE00D) + self.mark(0xE0DD)) * levels

    def file(self, body: bytes) -> bytes:
        """Return a file of an instance; *body* stands in its midst."""
        start = b"".join(self.element(tag, "UI", UIDS[tag]) for tag in (0x0008_0016, 0x0008_0018))
        patient = self.element(0x0010_0020, "LO", b"MRN-4711")
        uids = b"".join(self.element(tag, "UI", UIDS[tag]) for tag in (0x0020_000D, 0x0020_000E))
        syntax = self.uid.encode() + b"\0" * (len(self.uid) % 2)
        meta = Encoded(EXPLICIT).element(0x0002_0010, "UI", syntax)
        return bytes(128) + b"DICM" + meta + start + body + patient + uids


def bad_numbers(to: Encoded) -> bytes:
    """Return values 14 sequences deep that are none, and one whose VR nothing tells."""
    bad = to.element(0x0020_0013, "IS", b"x" * 10) + to.element(0x0028_0010, "US", b"\1")
    return to.nested(14, bad + to.element(0x0028_3006, "OW", b"\1\2\3"))


def levels(to: Encoded) -> bytes:
    """Return 300 sequences inside one another."""
    return to.nested(300, b"")


def items(to: Encoded) -> bytes:
    """Return a sequence of 20,000 items with a name each."""
    name = to.element(0x0010_0010, "PN", NAME)
    each = (to.mark(0xE000, len(name)) + name) * 20_000
    return to.element(SEQUENCE, "SQ", length=UNDEFINED) + each + to.mark(0xE0DD)


def lie(to: Encoded) -> bytes:
    """Return a text that says it has almost 4 GiB."""
    return to.element(0x0008_1120, "UT", b"x", length=0xFFFF_FFF0)


HOSTILE: dict[str, Callable[[Encoded], bytes]] = {
    "a bad value 14 deep": bad_numbers,
    "300 levels": levels,
    "20,000 items": items,
    "a lying length": lie,
}


async def outcomes(data: bytes) -> dict[str, str]:
    """Send a file every way in and out, and return what came of each."""
    service = Service()
    secret = SecretStr("a secret of tests, 32 bytes long")
    service.settings = service.settings.model_copy(update={"deidentify_secret": secret})
    _wiring.services = service.services
    _wiring.settings = lambda: service.settings  # type: ignore[assignment]
    told = {}
    for name in ("describe_file", "risk_of_file", "deidentify"):
        answer = await service.call(
            name, method="POST", headers={"content-type": "application/dicom"}, body=[data]
        )
        told[name] = str(answer.status)
        if name == "deidentify" and NAME in answer.body:
            told[name] = "the name is left"
    by_key = await service.call(
        "store_search_file", "/search/file?object_key=hostile.dcm", method="PUT", body=[data]
    )
    told["by key"] = str(by_key.status)
    told["store"] = str((await service.store(data)).status)
    path = "1.2.3.4/series/1.2.3.4.5/instances/1.2.3.4.5.6"
    for syntax in (EXPLICIT, "1.2.840.10008.1.2.4.90"):
        answer = await service.retrieve(path, f"application/dicom; transfer-syntax={syntax}")
        told[f"as {syntax}"] = str(answer.status)
    told["dropped"] = await dropped(data)
    return told


async def dropped(data: bytes) -> str:
    """Return the state of a file that was dropped into a watched container."""
    world = Service().world
    key = ObjectKey("images", "x/hostile.dcm")
    world.objects.write(key, data)
    try:
        await index_instance(key, world.index_ports)
    except RejectedInstanceError as error:
        return type(error).__name__
    return str(world.ledger.entries[key].state)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for path in sys.argv[1:]:
        sys.stdout.write(json.dumps(asyncio.run(outcomes(Path(path).read_bytes()))) + "\n")
