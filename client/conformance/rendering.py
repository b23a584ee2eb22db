"""The checks of rendered images and thumbnails (WADO-RS). Source: PS3.18 2024e §10.4.1.1.3 and §10.4.1.1.4."""

import struct
from typing import Final

import requests
from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage, RLELossless, VideoEndoscopicImageStorage

from client.conformance.instances import encapsulated, new_instance, path_of
from client.conformance.server import ANY_SYNTAX, Server
from client.conformance.verdict import CheckFailed, NotApplicable, check, expect, require

_JPEG, _PNG = "image/jpeg", "image/png"
_PDF: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
_HUGE_SIDE: Final = 12_800
"""Rows and columns of an image of 156 MiB that is 2.5 MB compressed; services transcode some 100 MB at most."""
_MPEG4: Final = "1.2.840.10008.1.2.4.102"


def _image(server: Server) -> Dataset:
    """Store a picture of 512 columns and 256 rows, a ramp from 0 to 255 and back."""
    ramp = bytes(min(column, 511 - column) for column in range(512))
    instance = new_instance(Rows=256, Columns=512, PixelData=ramp * 256)
    server.stored(instance)
    return instance


def _is_image(response: requests.Response, kind: str) -> None:
    expect(response.status_code, 200)
    expect(response.headers["Content-Type"].split(";")[0], kind)
    starts = {_JPEG: b"\xff\xd8\xff", _PNG: b"\x89PNG"}
    require(response.content.startswith(starts[kind]), f"the content is no {kind}")


def _png_size(content: bytes) -> tuple[int, int]:
    """Return width and height of a PNG."""
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Return width and height of a JPEG, from its frame header."""
    position = 2
    while position + 9 < len(content):
        marker, length = struct.unpack(">xBH", content[position : position + 4])
        if 0xC0 <= marker <= 0xC2:
            height, width = struct.unpack(">HH", content[position + 5 : position + 9])
            return width, height
        position += 2 + length
    raise CheckFailed("a JPEG without a frame header")


@check("W23")
def media_types(server: Server) -> str:
    """Are JPEG unless asked otherwise, and PNG."""
    path = f"{path_of(_image(server))}/rendered"
    _is_image(server.call(path), _JPEG)
    _is_image(server.call(path, accept=_JPEG), _JPEG)
    _is_image(server.call(path, accept=_PNG), _PNG)
    status = server.call(path, accept="image/gif").status_code
    expect(status, 406, 200)
    return f"JPEG, JPEG, PNG, {status}"


@check("W24")
def parameters(server: Server) -> str:
    """Are checked, and the picture follows them."""
    path = f"{path_of(_image(server))}/rendered"
    for quality in ("0", "101", "x"):
        status = server.call(f"{path}?quality={quality}", accept=_JPEG).status_code
        require(status == 400, f"quality={quality} answered {status}")
    small = server.call(f"{path}?viewport=256,256", accept=_PNG)
    _is_image(small, _PNG)
    expect(_png_size(small.content), (256, 128))
    plain = server.call(path, accept=_PNG)
    windowed = server.call(f"{path}?window=40,400,linear", accept=_PNG)
    _is_image(windowed, _PNG)
    require(windowed.content != plain.content, "the window changes nothing")
    return "400 each; 256 by 128; windowed"


@check("W25")
def documents_and_video(server: Server) -> str:
    """Are sent as what they are."""
    nothing = dict.fromkeys(("PixelData", "Rows", "Columns"))
    document = new_instance(
        SOPClassUID=EncapsulatedPDFStorage,
        Modality="DOC",
        MIMETypeOfEncapsulatedDocument="application/pdf",
        EncapsulatedDocument=_PDF + b"\0" * (len(_PDF) % 2),
        **nothing,
    )
    video = encapsulated(new_instance(SOPClassUID=VideoEndoscopicImageStorage), _MPEG4, bytes(64))
    server.stored(document, video)
    seen = []
    for instance, kind in ((document, "application/pdf"), (video, "video/mp4")):
        response = server.call(f"{path_of(instance)}/rendered")
        expect(response.status_code, 200, 406)
        if response.status_code == 200:
            expect(response.headers["Content-Type"].split(";")[0], kind)
        seen.append(f"{response.status_code}")
    return ", ".join(seen)


@check("W26")
def thumbnails(server: Server) -> str:
    """Are small JPEGs on four levels."""
    instance = _image(server)
    paths = [f"{path_of(instance, level)}/thumbnail" for level in ("study", "series", "instance")]
    for path in (*paths, f"{path_of(instance)}/frames/1/thumbnail"):
        response = server.call(path, accept=_JPEG)
        _is_image(response, _JPEG)
        width, height = _jpeg_size(response.content)
        require(max(width, height) <= 256, f"{width} by {height}")
    return "JPEG on four levels"


@check("W27")
def too_large_to_transcode(server: Server) -> str:
    """Is refused, and the refusal says how to have it as it is."""
    row = bytes((129, 0)) * (_HUGE_SIDE // 128)  # 128 times the byte 0
    segment = row * _HUGE_SIDE
    frame = struct.pack("<16L", 1, 64, *[0] * 14) + segment
    instance = encapsulated(new_instance(Rows=_HUGE_SIDE, Columns=_HUGE_SIDE), RLELossless, frame)
    server.stored(instance)
    response = server.call(path_of(instance), accept="application/dicom; transfer-syntax=1.2.840.10008.1.2.1")
    if response.status_code == 200:
        raise NotApplicable(
            f"it transcodes {_HUGE_SIDE * _HUGE_SIDE} bytes: its limit is higher, or there is none"
        )
    expect(response.status_code, 406)
    require("transfer-syntax=*" in response.text, "the text does not name transfer-syntax=*")
    as_stored = server.call(path_of(instance), accept=f"application/dicom; {ANY_SYNTAX}")
    expect(as_stored.status_code, 200)
    return "406, the text names transfer-syntax=*"
