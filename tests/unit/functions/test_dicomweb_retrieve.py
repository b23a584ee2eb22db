"""WADO-RS as a client sees it."""

from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.encaps import generate_frames
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from shared.records import ObjectKey
from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service, parts_of

ONE, TWO = make_file(1), make_file(2)
FRAMES = [bytes([number]) * 6 for number in range(1, 5)]
NATIVE = to_file(add_pixels(make_data_set(1), FRAMES, rows=2, columns=3))
RLE = to_file(
    add_pixels(make_data_set(1), FRAMES, rows=2, columns=3, encapsulated=True),
    transfer_syntax_uid=RLELossless,
)
INSTANCE = f"{STUDY}/series/{SERIES}/instances/{SERIES}.1"
ROOT = "http://testserver/dicomweb/studies"
AS_STORED = "application/dicom; transfer-syntax=*"
PARTS = 'multipart/related; type="application/dicom"; transfer-syntax=*'
FRAME_PARTS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


def check_length(answer: Answer) -> None:
    """Check that the length told is that of the body, so that a client notices a truncated one."""
    assert answer.complete
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize(
    "accept", [AS_STORED, "*/*", None, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50, */*;q=0.1"]
)
async def test_an_instance_comes_as_it_is_stored(service: Service, accept: str | None) -> None:
    """W01: its bytes, with the preamble; also if it cannot be had as is preferred, and anything else will do."""
    await service.store(ONE)
    answer = await service.retrieve(INSTANCE, accept)
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, "application/dicom", ONE)
    check_length(answer)


@pytest.mark.parametrize("path", [STUDY, f"{STUDY}/series/{SERIES}"])
@pytest.mark.parametrize("accept", [PARTS, "*/*", None])
async def test_a_study_or_series_comes_in_parts(service: Service, path: str, accept: str | None) -> None:
    """W02: each with its type, place and length."""
    await service.store(TWO, ONE)
    answer = await service.retrieve(path, accept)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith('multipart/related; type="application/dicom"; boundary=')
    assert answer.body.rstrip().endswith(b"--")
    check_length(answer)
    for number, (headers, content) in enumerate(parts_of(answer), 1):
        assert content == (ONE, TWO)[number - 1]
        assert headers["content-type"] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"
        assert headers["content-length"] == str(len(content))
        assert headers["content-location"] == f"{ROOT}/{STUDY}/series/{SERIES}/instances/{SERIES}.{number}"


async def test_an_instance_comes_in_parts_on_request(service: Service) -> None:
    """As dicomweb-client asks for it."""
    await service.store(ONE)
    [(_, content)] = parts_of(await service.retrieve(INSTANCE, PARTS))
    assert content == ONE


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "accept", "status"),
    [
        ("1.2.840.10008.1.2.1", "application/dicom", 200),
        ("1.2.840.10008.1.2.1", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", 200),
        ("1.2.840.10008.1.2.1", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.100", 406),
        (RLELossless, "application/dicom", 406),
        (RLELossless, f'multipart/related; type="application/dicom"; transfer-syntax={RLELossless}', 200),
        (RLELossless, 'multipart/related; type="application/dicom"', 406),
    ],
)
async def test_nothing_is_silently_sent_in_another_transfer_syntax(
    service: Service, transfer_syntax_uid: str, accept: str, status: int
) -> None:
    """W04 and W07: who names none wants Explicit VR Little Endian; the refusal says what would be granted."""
    await service.store(RLE if transfer_syntax_uid == RLELossless else NATIVE)
    answer = await service.retrieve(INSTANCE, accept)
    assert answer.status == status
    if status == 406:
        assert "transfer-syntax=*" in answer.json["detail"]
        assert transfer_syntax_uid in answer.json["detail"]


async def test_a_study_does_not_come_as_one_file(service: Service) -> None:
    """W06."""
    await service.store(ONE)
    assert (await service.retrieve(STUDY, AS_STORED)).status == 406


@pytest.mark.parametrize("rest", ["", "/metadata"])
@pytest.mark.parametrize("path", ["1.8", f"{STUDY}/series/1.8", f"{STUDY}/series/{SERIES}/instances/1.8"])
async def test_what_is_not_there_is_404(service: Service, path: str, rest: str) -> None:
    """W09: at each level."""
    await service.store(ONE)
    assert (await service.retrieve(path + rest)).status == 404


@pytest.mark.parametrize(
    "path", ["a", f"{STUDY}/series/a", f"{STUDY}/series/{SERIES}/instances/1..2/metadata"]
)
async def test_what_is_no_uid_is_400(service: Service, path: str) -> None:
    """W09: at each level."""
    assert (await service.retrieve(path)).status == 400


@pytest.mark.parametrize(
    "path",
    [
        f"{STUDY}/nothing",
        f"{STUDY}/frames/1",
        f"{STUDY}/series/{SERIES}/bulkdata/7FE00010",
        f"{INSTANCE}/frames",
        f"{INSTANCE}/frames/1/more",
        f"{INSTANCE}/nothing",
    ],
)
async def test_a_path_of_no_resource_is_404(service: Service, path: str) -> None:
    """Although the instance is there."""
    await service.store(NATIVE)
    assert (await service.retrieve(path)).status == 404


@pytest.mark.parametrize("path", [STUDY, f"{STUDY}/series/{SERIES}", INSTANCE])
@pytest.mark.parametrize(
    "accept", ["application/dicom+json", "application/dicom+json, application/json", None]
)
async def test_metadata_is_an_array_in_ascending_order(
    service: Service, path: str, accept: str | None
) -> None:
    """W11 and W12: what pydicom reads, pixel data by its URI."""
    await service.store(NATIVE)
    answer = await service.retrieve(f"{path}/metadata", accept)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/dicom+json")
    [metadata] = answer.json
    assert list(metadata) == sorted(metadata)
    assert metadata.pop("7FE00010") == {"vr": "OB", "BulkDataURI": f"{ROOT}/{INSTANCE}/bulkdata/7FE00010"}
    expected = dcmread(BytesIO(NATIVE)).to_json_dict()
    del expected["7FE00010"]
    assert metadata == expected


async def test_metadata_in_plain_json_on_request(service: Service) -> None:
    """Browsers show it."""
    await service.store(ONE)
    answer = await service.retrieve(f"{STUDY}/metadata", "application/json")
    assert answer.headers["content-type"] == "application/json"


async def test_uris_of_metadata_are_public(service: Service) -> None:
    """W14: whatever proxy is before the app."""
    await service.store(NATIVE)
    headers = {
        "x_forwarded_host": "pacs.example",
        "x_forwarded_proto": "https",
        "x_forwarded_prefix": "/imaging",
    }
    answer = await service.retrieve(f"{STUDY}/metadata", None, **headers)
    uri = answer.json[0]["7FE00010"]["BulkDataURI"]
    assert uri == f"https://pacs.example/imaging/dicomweb/studies/{INSTANCE}/bulkdata/7FE00010"


async def test_metadata_that_the_client_has_is_not_sent_again(service: Service) -> None:
    """W16: until it changes."""
    await service.store(ONE)
    etag = (await service.retrieve(f"{STUDY}/metadata")).headers["etag"]
    for header in (etag, f'W/{etag}, "x"', "*"):
        answer = await service.retrieve(f"{STUDY}/metadata", None, if_none_match=header)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    await service.store(TWO)
    assert (await service.retrieve(f"{STUDY}/metadata", None, if_none_match=etag)).status == 200


async def test_metadata_of_a_large_study_streams(service: Service) -> None:
    """Without an ETag, but whole."""
    comment = "x" * 60_000
    await service.store(*(make_file(number, PatientComments=comment) for number in range(100)))
    answer = await service.retrieve(f"{STUDY}/metadata")
    assert "etag" not in answer.headers
    assert len(answer.json) == 100


@pytest.mark.parametrize("accept", [FRAME_PARTS, FRAME_PARTS.replace("*", '"*"'), "*/*", None])
async def test_frames_come_in_parts_with_their_transfer_syntax(service: Service, accept: str | None) -> None:
    """W18: in the order asked for, with nothing around them."""
    await service.store(NATIVE)
    answer = await service.retrieve(f"{INSTANCE}/frames/3,1", accept)
    assert answer.status == 200
    check_length(answer)
    parts = parts_of(answer)
    assert [content for _, content in parts] == [FRAMES[2], FRAMES[0]]
    assert parts[0][0]["content-type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert parts[0][0]["content-location"] == f"{ROOT}/{INSTANCE}/frames/3"


async def test_compressed_frames_come_without_item_tags(service: Service) -> None:
    """W18."""
    await service.store(RLE)
    parts = parts_of(await service.retrieve(f"{INSTANCE}/frames/1,2", FRAME_PARTS))
    expected = list(generate_frames(dcmread(BytesIO(RLE)).PixelData, number_of_frames=4))
    assert [content for _, content in parts] == expected[:2]
    assert f"transfer-syntax={RLELossless}" in parts[0][0]["content-type"]


async def test_one_frame_comes_alone_on_request_but_not_two(service: Service) -> None:
    """W20."""
    await service.store(NATIVE)
    accept = "application/octet-stream; transfer-syntax=*"
    answer = await service.retrieve(f"{INSTANCE}/frames/2", accept)
    assert (answer.status, answer.body) == (200, FRAMES[1])
    check_length(answer)
    assert (await service.retrieve(f"{INSTANCE}/frames/1,2", accept)).status == 406


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ("0", 400),
        ("-1", 400),
        ("abc", 400),
        ("1,", 400),
        ("1,0", 400),
        ("9999", 404),
        ("1,5", 404),
        ("1%2C2", 200),
        ("1,1,1,1", 200),
        ("1,2,1,1,1,1", 400),
    ],
)
async def test_frame_numbers_are_checked(service: Service, numbers: str, status: int) -> None:
    """W21."""
    await service.store(NATIVE)
    assert (await service.retrieve(f"{INSTANCE}/frames/{numbers}")).status == status


@pytest.mark.parametrize(
    ("transfer_syntax_uid", "accepted", "status"),
    [
        (ImplicitVRLittleEndian, None, 200),
        (DeflatedExplicitVRLittleEndian, "1.2.840.10008.1.2.1", 200),
        (ImplicitVRLittleEndian, RLELossless, 406),
        (RLELossless, None, 406),
    ],
)
async def test_native_frames_are_the_same_in_every_little_endian_syntax(
    service: Service, transfer_syntax_uid: str, accepted: str | None, status: int
) -> None:
    """They do not depend on how VRs are written, and say so; damaged ones are in no other syntax."""
    data_set = add_pixels(
        make_data_set(1), FRAMES, rows=2, columns=3, encapsulated=transfer_syntax_uid == RLELossless
    )
    await service.store(to_file(data_set, transfer_syntax_uid=transfer_syntax_uid))
    accept = 'multipart/related; type="application/octet-stream"'
    if accepted:
        accept += f"; transfer-syntax={accepted}"
    answer = await service.retrieve(f"{INSTANCE}/frames/1", accept)
    assert answer.status == status
    if status == 200:
        [(headers, content)] = parts_of(answer)
        assert content == FRAMES[0]
        assert headers["content-type"] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"


async def test_an_instance_without_pixels_has_no_frames(service: Service) -> None:
    """404, not 500."""
    await service.store(ONE)
    assert (await service.retrieve(f"{INSTANCE}/frames/1")).status == 404


@pytest.mark.parametrize("accept", ["*/*", "application/octet-stream", None])
async def test_bulk_data_comes_alone_or_in_a_part(service: Service, accept: str | None) -> None:
    """W13 and W15: exactly the bytes that the URI of the metadata names."""
    await service.store(NATIVE)
    [metadata] = (await service.retrieve(f"{INSTANCE}/metadata")).json
    path = metadata["7FE00010"]["BulkDataURI"].removeprefix(f"{ROOT}/")
    answer = await service.retrieve(path, accept)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.body == b"".join(FRAMES)
    check_length(answer)
    answer = await service.retrieve(path, 'multipart/related; type="application/octet-stream"')
    check_length(answer)
    [(headers, content)] = parts_of(answer)
    assert (content, headers["content-location"]) == (b"".join(FRAMES), f"{ROOT}/{path}")


@pytest.mark.parametrize("path", [STUDY, f"{STUDY}/series/{SERIES}", INSTANCE])
async def test_all_bulk_data_comes_in_parts(service: Service, path: str) -> None:
    """Each under the URI that the metadata names it by, and as it comes by itself."""
    await service.store(NATIVE, to_file(add_pixels(make_data_set(2), FRAMES[:1], rows=2, columns=3)))
    metadata = (await service.retrieve(f"{path}/metadata")).json
    uris = [one["7FE00010"]["BulkDataURI"] for one in metadata]

    answer = await service.retrieve(f"{path}/bulkdata", 'multipart/related; type="application/octet-stream"')

    check_length(answer)
    assert [headers["content-location"] for headers, _ in parts_of(answer)] == uris
    for uri, (_, content) in zip(uris, parts_of(answer), strict=True):
        assert content == (await service.retrieve(uri.removeprefix(f"{ROOT}/"))).body
    assert (await service.retrieve(f"{path}/bulkdata", "application/octet-stream")).status == 406


async def test_what_has_no_bulk_data_is_404(service: Service) -> None:
    """Its metadata holds it all."""
    await service.store(ONE)
    assert (await service.retrieve(f"{STUDY}/bulkdata")).status == 404


async def test_an_object_that_is_gone_is_404_and_a_replaced_one_503(service: Service) -> None:
    """Before the answer begins there is still a status."""
    await service.store(ONE)
    [key] = service.world.objects.objects
    service.world.objects.write(key, TWO)
    for path, accept in ((INSTANCE, AS_STORED), (STUDY, PARTS)):
        assert (await service.retrieve(path, accept)).status == 503
    del service.world.objects.objects[ObjectKey(key.container, key.name)]
    for path, accept in ((INSTANCE, AS_STORED), (STUDY, PARTS)):
        assert (await service.retrieve(path, accept)).status == 404
