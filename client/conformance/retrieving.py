"""The checks of retrieving instances, metadata, bulk data and frames (WADO-RS). Source: PS3.18 2024e §10.4, Annex F."""

import re
from typing import Any, Final

import requests
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000Lossless

from client.conformance.instances import bundled_instance, encapsulated, file_of, new_instance, path_of
from client.conformance.server import ANY_SYNTAX, DICOM_JSON, Server, parts_of
from client.conformance.verdict import CheckFailed, check, expect, require

_MULTIPART_DICOM: Final = 'multipart/related; type="application/dicom"'
_MULTIPART_BYTES: Final = 'multipart/related; type="application/octet-stream"'
_KEY: Final = re.compile(r"[0-9A-F]{8}")
_COMPRESSED: Final = bytes.fromhex("ff4fff51") + bytes(range(60))


def _stored(server: Server, **attributes: Any) -> Dataset:
    instance = new_instance(**attributes)
    server.stored(instance)
    return instance


def _compressed(server: Server) -> Dataset:
    instance = encapsulated(new_instance(), JPEG2000Lossless, _COMPRESSED)
    server.stored(instance)
    return instance


def _kind(response: requests.Response) -> str:
    return response.headers.get("Content-Type", "").split(";")[0].strip()


@check("W01")
def an_instance_as_it_is(server: Server) -> str:
    """Come back as it was sent."""
    instance = _compressed(server)
    response = server.call(path_of(instance), accept=f"application/dicom; {ANY_SYNTAX}")
    expect((response.status_code, _kind(response)), (200, "application/dicom"))
    require(response.content[132:] == file_of(instance)[132:], "other bytes than were stored")
    return "200, the stored bytes"


@check("W02")
def a_study_as_it_is(server: Server) -> str:
    """Come as one part an instance."""
    first = _stored(server)
    server.stored(new_instance(first))
    response = server.call(path_of(first, "study"), accept=f"{_MULTIPART_DICOM}; {ANY_SYNTAX}")
    expect(response.status_code, 200)
    parts = parts_of(response)
    kind = response.headers["Content-Type"]
    require("boundary=" in kind and "application/dicom" in kind, f"Content-Type {kind}")
    kinds = [headers["content-type"].split(";")[0] for headers, _ in parts]
    expect(kinds, ["application/dicom"] * 2)
    require(response.content.rstrip().endswith(b"--"), "no closing boundary")
    return "200, 2 parts"


@check("W04")
def no_syntax_named(server: Server) -> str:
    """Is Explicit VR Little Endian, or refused; never another one unsaid."""
    instance = bundled_instance("MR_small_jp2klossless.dcm")
    server.stored(instance)
    response = server.call(path_of(instance), accept="application/dicom")
    expect(response.status_code, 200, 406)
    if response.status_code == 200:
        require(b"1.2.840.10008.1.2.1\0" in response.content[:1000], "not in Explicit VR Little Endian")
    return str(response.status_code)


@check("W06")
def a_study_in_one_part(server: Server) -> str:
    """Cannot be."""
    instance = _stored(server)
    response = server.call(path_of(instance, "study"), accept=f"application/dicom; {ANY_SYNTAX}")
    expect(response.status_code, 406)
    return "406"


@check("W07")
def a_syntax_for_video(server: Server) -> str:
    """Is refused for a CT slice."""
    accept = "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.100"
    expect(server.call(path_of(_stored(server)), accept=accept).status_code, 406)
    return "406"


@check("W09")
def what_is_not_there(server: Server) -> str:
    """Is not found, and what is no UID is refused."""
    nowhere = new_instance()
    accept = f"{_MULTIPART_DICOM}; {ANY_SYNTAX}"
    for level in ("study", "series", "instance"):
        expect(server.call(path_of(nowhere, level), accept=accept).status_code, 404)
    expect(server.call("/studies/1.2.a", accept=accept).status_code, 400)
    return "404 on three levels, 400"


@check("W11")
def metadata(server: Server) -> str:
    """Keep to the DICOM JSON model."""
    first = _stored(server)
    server.stored(new_instance(first))
    for level, count in (("study", 2), ("series", 2), ("instance", 1)):
        response = server.call(f"{path_of(first, level)}/metadata", accept=DICOM_JSON)
        expect((response.status_code, _kind(response)), (200, DICOM_JSON))
        rows = response.json()
        expect(len(rows), count)
        for row in rows:
            keys = list(row)
            expect(keys, sorted(keys))
            require(all(_KEY.fullmatch(key) for key in keys), "a key is not 8 upper-case hex digits")
            require(not any(key.endswith("0000") for key in keys), "a group length")
            pixels = row.get("7FE00010", {})
            require(not {"Value", "InlineBinary"} & set(pixels), "pixel data in the metadata")
    return "200, one object an instance"


@check("W12")
def metadata_as_python_asks(server: Server) -> str:
    """Take two media types."""
    path = f"{path_of(_stored(server))}/metadata"
    expect(server.call(path, accept="application/dicom+json, application/json").status_code, 200)
    return "200"


def _with_bulk_data() -> tuple[Dataset, bytes, bytes]:
    """Return an instance with a private value of 1 MB and a contour of 300 points, and the bytes of both."""
    instance = new_instance()
    private = bytes(range(256)) * 4096
    block = instance.private_block(0x0011, "CONFORMANCE", create=True)
    block.add_new(0x10, "OW", private)
    points = [f"{number / 8:.3f}" for number in range(-450, 450)]
    contour, structure = Dataset(), Dataset()
    contour.ContourData = points
    structure.ContourSequence = [contour]
    instance.ROIContourSequence = [structure]
    return instance, private, "\\".join(points).encode()


def _bulk_uris(server: Server, instance: Dataset, **headers: str) -> tuple[str | None, str | None]:
    """Return the BulkDataURIs of the private value and of the contour."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = server.call(f"{path_of(instance)}/metadata", accept=DICOM_JSON, headers=named)
    expect(response.status_code, 200)
    [row] = response.json()
    contour = row["30060039"]["Value"][0]["30060040"]["Value"][0]["30060050"]
    return row["00111010"].get("BulkDataURI"), contour.get("BulkDataURI")


@check("W13")
def bulk_data(server: Server) -> str:
    """Is named, and there under its name."""
    instance, *values = _with_bulk_data()
    server.stored(instance)
    for uri, value in zip(_bulk_uris(server, instance), values, strict=True):
        require(uri, f"a value of {len(value)} bytes has no BulkDataURI")
        response = server.call(_absolute(server, instance, str(uri)), accept="application/octet-stream")
        expect(response.status_code, 200)
        require(response.content.rstrip(b" ") == value, "other bytes than were stored")
    return "two BulkDataURIs, the stored bytes"


def _absolute(server: Server, instance: Dataset, uri: str) -> str:
    return uri if "://" in uri else f"{server.url}{path_of(instance)}/{uri}"


@check("W14")
def behind_a_proxy(server: Server) -> str:
    """Say the public address."""
    instance, *_ = _with_bulk_data()
    forwarded = {"host": "pacs.example", "proto": "https"}
    headers = {
        "Forwarded": ";".join(f"{name}={value}" for name, value in forwarded.items()),
        "X_Forwarded_Host": forwarded["host"],
        "X_Forwarded_Proto": forwarded["proto"],
    }
    response = server.store(instance, **headers)
    expect(response.status_code, 200)
    item = response.json()["00081199"]["Value"][0]
    urls = [item["00081190"]["Value"][0], *_bulk_uris(server, instance, **headers)]
    for url in filter(None, urls):
        relative = "://" not in url and url is not urls[0]
        require(relative or url.startswith("https://pacs.example/"), f"{url} is not public")
    return "https://pacs.example/…"


@check("W15")
def forms_of_bulk_data(server: Server) -> str:
    """Are one part, or several if asked for."""
    instance, private, _ = _with_bulk_data()
    server.stored(instance)
    uri = _bulk_uris(server, instance)[0]
    require(uri, "no BulkDataURI")
    url = _absolute(server, instance, str(uri))
    for accept in ("*/*", "application/octet-stream"):
        response = server.call(url, accept=accept)
        expect((response.status_code, _kind(response)), (200, "application/octet-stream"))
        require(response.content == private, "other bytes than were stored")
    [(_, content)] = parts_of(server.call(url, accept=_MULTIPART_BYTES))
    require(content == private, "other bytes in the part than were stored")
    return "single, single, multipart"


@check("W16")
def unchanged_metadata(server: Server) -> str:
    """Is not sent again."""
    path = f"{path_of(_stored(server))}/metadata"
    etag = server.call(path, accept=DICOM_JSON).headers.get("ETag")
    require(etag, "no ETag")
    response = server.call(path, accept=DICOM_JSON, headers={"If-None-Match": etag})
    expect((response.status_code, response.content), (304, b""))
    return "304"


@check("W18")
def a_frame_in_a_part(server: Server) -> str:
    """Is the frame and nothing else."""
    instance = _compressed(server)
    path = f"{path_of(instance)}/frames/1"
    response = server.call(path, accept=f"{_MULTIPART_BYTES}; {ANY_SYNTAX}")
    expect(response.status_code, 200)
    parts = parts_of(response)
    expect(len(parts), 1)
    headers, content = parts[0]
    require(
        f"transfer-syntax={JPEG2000Lossless}" in headers["content-type"].replace('"', ""),
        "no transfer syntax",
    )
    require(content == _COMPRESSED, "other bytes than the frame")
    return f"200, {headers['content-type']}"


@check("W20")
def a_frame_alone(server: Server) -> str:
    """Is sent so, but not two."""
    instance = _stored(server, NumberOfFrames=2, Rows=4)
    path, accept = f"{path_of(instance)}/frames", f"application/octet-stream; {ANY_SYNTAX}"
    response = server.call(f"{path}/1", accept=accept)
    expect((response.status_code, _kind(response)), (200, "application/octet-stream"))
    require(response.content == bytes(range(32)), "other bytes than the frame")
    status = server.call(f"{path}/1,2", accept=accept).status_code
    require(400 <= status < 500, f"two frames answered {status}")
    return f"200; two frames {status}"


@check("W21")
def frames_that_are_none(server: Server) -> str:
    """Are refused or not found."""
    path, accept = f"{path_of(_stored(server))}/frames", f"{_MULTIPART_BYTES}; {ANY_SYNTAX}"
    for number in ("0", "-1", "abc"):
        expect(server.call(f"{path}/{number}", accept=accept).status_code, 400)
    expect(server.call(f"{path}/9999", accept=accept).status_code, 404)
    return "400, 400, 400, 404"


@check("W29")
def a_range_of_an_instance(server: Server) -> str:
    """Is sent where ranges are offered."""
    instance = _stored(server)
    accept = f"application/dicom; {ANY_SYNTAX}"
    whole = server.call(path_of(instance), accept=accept)
    if whole.headers.get("Accept-Ranges") != "bytes":
        raise CheckFailed("no Accept-Ranges: bytes")
    response = server.call(path_of(instance), accept=accept, headers={"Range": "bytes=0-1023"})
    expect(response.status_code, 206)
    size = len(whole.content)
    end = min(1023, size - 1)
    expect(response.headers.get("Content-Range"), f"bytes 0-{end}/{size}")
    require(response.content == whole.content[: end + 1], "other bytes")
    return "206"
