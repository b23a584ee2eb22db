"""Rendered resources as a client sees them."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom.data
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    BreastTomosynthesisImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    RLELossless,
)

from shared.errors import DamagedDicomError
from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, make_file, to_file
from tests.unit.functions.pictures import COLUMNS, FRAMES, INSTANCE, LEVELS, ROWS, get, grey_file, picture
from tests.unit.functions.service import Service, parts_of


@pytest.mark.parametrize("path", LEVELS)
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ({}, "image/jpeg"),
        ({"accept": "*/*"}, "image/jpeg"),
        ({"accept": "image/*"}, "image/jpeg"),
        ({"accept": "image/jpeg"}, "image/jpeg"),
        ({"accept": "image/png"}, "image/png"),
    ],
)
async def test_a_picture_comes_as_it_is_accepted(
    service: Service, path: str, accept: dict[str, str], media_type: str
) -> None:
    """W23: JPEG unless PNG is asked for, on each level."""
    await service.store(grey_file())

    assert picture(await get(service, f"{path}/rendered", **accept), media_type).size == (COLUMNS, ROWS)


@pytest.mark.parametrize("path", LEVELS)
async def test_a_picture_in_another_form_is_not_acceptable(service: Service, path: str) -> None:
    """W23: GIF is not offered."""
    await service.store(grey_file())

    assert (await get(service, f"{path}/rendered", accept="image/gif")).status == 406
    assert (await get(service, f"{path}/thumbnail", accept="image/gif")).status == 406


@pytest.mark.parametrize(
    "query",
    [
        "quality=0",
        "quality=101",
        "quality=x",
        "viewport=0,1",
        "viewport=1",
        "window=1,2",
        "annotation=patient",
    ],
)
async def test_parameters_without_meaning_are_refused(service: Service, query: str) -> None:
    """W24."""
    await service.store(grey_file())

    assert (await get(service, f"{INSTANCE}/rendered", query)).status == 400


async def test_viewport_and_window_are_applied(service: Service) -> None:
    """W24: the longest edge fits, the aspect is kept, and values below and above the window are black and white."""
    await service.store(grey_file())

    small = picture(await get(service, f"{INSTANCE}/rendered", "viewport=256,256"), "image/jpeg")
    answer = await get(service, f"{INSTANCE}/rendered", "window=128,2,linear", accept="image/png")
    row = np.asarray(picture(answer, "image/png"))[0]

    assert small.size == (256, 128)
    assert set(row.tolist()) == {0, 255}
    assert abs(int(np.argmax(row)) - COLUMNS // 2) < 4


@pytest.mark.parametrize(
    ("sop_class_uid", "attributes", "frame_number"),
    [
        (None, {}, 1),
        (BreastTomosynthesisImageStorage, {}, 2),
        (None, {"RepresentativeFrameNumber": 3}, 3),
        (None, {"RepresentativeFrameNumber": 9}, 1),
    ],
)
async def test_an_instance_is_shown_by_its_representative_frame(
    service: Service, sop_class_uid: str | None, attributes: dict[str, Any], frame_number: int
) -> None:
    """The one it names, the middle one of a tomosynthesis, or the first."""
    if sop_class_uid is not None:
        attributes = {**attributes, "SOPClassUID": str(sop_class_uid)}
    ramps = [bytes(range(number, number + 6)) for number in (0, 50, 100, 150)]
    window = "window=100,200,linear-exact"
    await service.store(grey_file(1, frames=ramps, **attributes))

    whole = await get(service, f"{INSTANCE}/rendered", window, accept="image/png")
    frame = await get(service, f"{INSTANCE}/frames/{frame_number}/rendered", window, accept="image/png")

    assert whole.status == 200
    assert whole.body == frame.body


@pytest.mark.parametrize(("frame", "status"), [("0", 400), ("1,", 400), ("x", 400), ("5", 404), ("4", 200)])
async def test_one_frame_that_is_there_is_shown(service: Service, frame: str, status: int) -> None:
    """Several are no picture."""
    await service.store(grey_file(frames=FRAMES))

    for resource in ("rendered", "thumbnail"):
        assert (await get(service, f"{INSTANCE}/frames/{frame}/{resource}")).status == status


async def test_a_study_is_shown_by_its_first_image(service: Service) -> None:
    """What has no image before it is passed over."""
    await service.store(make_file(1), grey_file(2), grey_file(3, frames=FRAMES))

    for path in LEVELS[:2]:
        answer = await get(service, f"{path}/rendered")
        assert picture(answer, "image/jpeg").size == (COLUMNS, ROWS)


async def test_what_has_no_image_is_not_acceptable(service: Service) -> None:
    """A report has nothing to show; its thumbnail does not exist."""
    await service.store(make_file(1))

    for path in LEVELS[:3]:
        assert (await get(service, f"{path}/rendered")).status == 406
        assert (await get(service, f"{path}/thumbnail")).status == 404
    assert (await get(service, f"{INSTANCE}/frames/1/rendered")).status == 404


async def test_what_is_not_there_is_not_found(service: Service) -> None:
    """On each level."""
    for path in LEVELS:
        assert (await get(service, f"{path}/rendered")).status == 404
        assert (await get(service, f"{path}/thumbnail")).status == 404


PDF = b"%PDF-1.4 " + b"x" * 5000


@pytest.mark.parametrize("content", [PDF, PDF[:101]])
@pytest.mark.parametrize("deflated", [False, True])
async def test_a_pdf_comes_as_it_is(service: Service, content: bytes, *, deflated: bool) -> None:
    """W25: without its padding, whether it is short, long or deflated."""
    data_set = make_data_set(
        1, SOPClassUID=str(EncapsulatedPDFStorage), MIMETypeOfEncapsulatedDocument="application/pdf"
    )
    data_set.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    data_set.EncapsulatedDocumentLength = len(content)
    syntax = {"transfer_syntax_uid": DeflatedExplicitVRLittleEndian} if deflated else {}
    await service.store(to_file(data_set, **syntax))

    answer = await get(service, f"{INSTANCE}/rendered")

    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body == content
    assert (await get(service, f"{INSTANCE}/rendered", accept="image/jpeg")).status == 406


def video_file(stream: bytes) -> bytes:
    """Return a video of two frames whose stream lies in two fragments."""
    data_set = add_pixels(make_data_set(1), FRAMES[:2], rows=2, columns=3)
    data_set.PixelData = encapsulate([stream[:1000], stream[1000:]], has_bot=False)
    data_set["PixelData"].is_undefined_length = True
    return to_file(data_set, transfer_syntax_uid=MPEG4HP41)


async def test_a_video_comes_as_its_stream(service: Service) -> None:
    """W25: the MP4 file that it encapsulates, its fragments joined."""
    stream = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 8
    await service.store(video_file(stream))

    answer = await get(service, f"{INSTANCE}/rendered")

    assert (answer.status, answer.headers["content-type"]) == (200, "video/mp4")
    assert answer.body == stream
    assert (await get(service, f"{INSTANCE}/rendered", accept="image/jpeg")).status == 406
    assert (await get(service, f"{INSTANCE}/frames/1/rendered")).status == 406


async def test_a_video_in_no_container_is_not_acceptable(service: Service) -> None:
    """W25: rather than an answer that no player takes."""
    await service.store(video_file(b"\0\0\0\x01\x67" + bytes(2000)))

    assert (await get(service, f"{INSTANCE}/rendered")).status == 406


async def test_who_has_a_picture_is_told_so(service: Service) -> None:
    """Pictures have an ETag, and If-None-Match answers 304."""
    await service.store(grey_file())

    for resource in ("rendered", "thumbnail"):
        etag = (await get(service, f"{INSTANCE}/{resource}")).headers["etag"]
        again = await get(service, f"{INSTANCE}/{resource}", if_none_match=etag)
        assert (again.status, again.body) == (304, b"")


async def test_a_frame_that_cannot_be_decoded_says_how_to_have_it(service: Service) -> None:
    """Neither does it end the process, nor is it a failure of the server."""
    data_set = add_pixels(make_data_set(1), FRAMES[:1], rows=2, columns=3, encapsulated=True)
    await service.store(to_file(data_set, transfer_syntax_uid=RLELossless))

    answer = await get(service, f"{INSTANCE}/rendered")

    assert answer.status == 422


async def test_a_large_palette_is_read_from_the_object(service: Service) -> None:
    """A table that the metadata only names is fetched."""
    data_set = add_pixels(make_data_set(1), [bytes(range(6))], rows=2, columns=3)
    data_set.PhotometricInterpretation = "PALETTE COLOR"
    for colour, step in (("Red", 256), ("Green", 512), ("Blue", 1024)):
        table = (np.arange(4096) * step % 65536).astype("<u2").tobytes()
        setattr(data_set, f"{colour}PaletteColorLookupTableDescriptor", [4096, 0, 16])
        setattr(data_set, f"{colour}PaletteColorLookupTableData", table)
    await service.store(to_file(data_set))

    answer = await get(service, f"{INSTANCE}/rendered", accept="image/png")

    pixels = np.asarray(picture(answer, "image/png")).reshape(6, 3).tolist()
    assert pixels == [[value, 2 * value, 4 * value] for value in range(6)]


@pytest.mark.slow
async def test_every_bundled_image_is_shown_or_refused(service: Service) -> None:
    """None is a failure of the server."""
    folder = Path(pydicom.data.__file__).parent / "test_files"
    statuses = {}
    for path in sorted(folder.glob("*.dcm")):
        stored = await service.store(path.read_bytes())
        for row in stored.json.get("00081199", {}).get("Value", []) if stored.status == 200 else []:
            _, _, resource = row["00081190"]["Value"][0].partition("/studies/")
            statuses[path.name] = (await get(service, f"{resource}/rendered")).status
            await service.call(
                "dicomweb_delete",
                method="DELETE",
                route=dict(zip(("study", "path"), resource.split("/", 1), strict=True)),
            )
    shown = [name for name, status in statuses.items() if status == 200]

    assert set(statuses.values()) <= {200, 406, 422}
    assert len(shown) > 40, statuses


PARTS = 'multipart/related; type="image/png"'


@pytest.mark.parametrize("path", [STUDY, f"{STUDY}/series/{SERIES}"])
async def test_all_images_come_as_parts_on_request(service: Service, path: str) -> None:
    """Each as a picture of its own, with its place, as by itself."""
    await service.store(*(grey_file(number, frames=FRAMES[number - 1 :]) for number in (1, 2, 3)))

    answer = await get(service, f"{path}/rendered", "window=2,4,linear", accept=PARTS)
    parts = parts_of(answer)

    assert answer.status == 200
    assert answer.headers["content-type"].startswith('multipart/related; type="image/png"; boundary=')
    assert len(parts) == 3
    for number, (headers, content) in enumerate(parts, 1):
        one = f"{STUDY}/series/{SERIES}/instances/{SERIES}.{number}/rendered"
        assert headers["content-type"] == "image/png"
        assert headers["content-location"].endswith(f"/dicomweb/studies/{one}")
        assert content == (await get(service, one, "window=2,4,linear", accept="image/png")).body


async def test_what_is_no_image_is_left_out_and_told(service: Service) -> None:
    """206 with a Warning; where nothing is left it is 406."""
    await service.store(grey_file(1, frames=FRAMES), make_file(2))

    answer = await get(service, f"{STUDY}/rendered", accept=PARTS)

    assert (answer.status, len(parts_of(answer))) == (206, 1)
    assert answer.headers["warning"] == '299 - "1 of 2 instances are not shown as pictures"'
    none = f"{STUDY}/series/{SERIES}/instances/{SERIES}.2/rendered"
    assert (await get(service, none, accept=PARTS)).status == 406


@pytest.mark.parametrize("accept", [PARTS, None, "image/jpeg, */*;q=0.1"])
async def test_several_frames_come_as_parts(service: Service, accept: str | None) -> None:
    """In the order asked for; alone they cannot come."""
    await service.store(grey_file(frames=FRAMES))
    headers = {} if accept is None else {"accept": accept}
    media_type = "image/png" if accept == PARTS else "image/jpeg"

    parts = parts_of(await get(service, f"{INSTANCE}/frames/3,1/rendered", **headers))

    assert [head["content-location"].rpartition("/frames/")[2] for head, _ in parts] == [
        "3/rendered",
        "1/rendered",
    ]
    alone = [
        (await get(service, f"{INSTANCE}/frames/{number}/rendered", accept=media_type)).body
        for number in (3, 1)
    ]
    assert [content for _, content in parts] == alone
    assert (await get(service, f"{INSTANCE}/frames/1,2/rendered", accept="image/png")).status == 406
    assert (await get(service, f"{INSTANCE}/frames/1,5/rendered", **headers)).status == 404


async def test_pictures_that_break_off_break_the_answer(service: Service) -> None:
    """A damaged image after the first is no short answer that passes for whole."""
    noise = np.random.default_rng(1).integers(0, 255, ROWS * COLUMNS, np.uint8).tobytes()
    whole = add_pixels(make_data_set(1), [noise], rows=ROWS, columns=COLUMNS)
    damaged = add_pixels(make_data_set(2), FRAMES[:1], rows=2, columns=3, encapsulated=True)
    await service.store(to_file(whole), to_file(damaged, transfer_syntax_uid=RLELossless))

    with pytest.raises(DamagedDicomError):
        await get(service, f"{STUDY}/rendered", accept=PARTS)
