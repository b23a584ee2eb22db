"""A posted file comes back de-identified, or with the reason why not; nothing is stored, and no value is told."""

from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from pydantic import SecretStr
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, RLELossless

from functions import _wiring
from tests.instances import a_dataset, an_instance, part10
from tests.unit.dicom.dicom_files import bundled, element
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import BOUNDARY, Service, multipart

SECRET = "a secret of tests, 32 bytes long"


@pytest.fixture
def with_secret(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Give a service that can make pseudonyms."""
    service.settings = service.settings.model_copy(update={"deidentify_secret": SecretStr(SECRET)})
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    return service


async def post(
    service: Service, data: bytes, query: str = "", content_type: str = "application/dicom"
) -> Answer:
    """Post a file."""
    return await service.call(
        "deidentify",
        f"/deidentify?{query}",
        method="POST",
        headers={"content-type": content_type},
        body=[data],
    )


def read(answer: Answer) -> Dataset:
    """Return the data set of an answer that is a file."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "application/dicom"
    return pydicom.dcmread(BytesIO(answer.body))


async def test_a_posted_file_comes_back_deidentified(with_secret: Service) -> None:
    """By the Basic Profile unless asked otherwise; twice the same file gives the same bytes."""
    data = an_instance(1, PatientName="Doe^Jane", PatientID="MRN-4711")

    first, again = await post(with_secret, data), await post(with_secret, data)

    data_set = read(first)
    assert first.body == again.body
    assert data_set.PatientIdentityRemoved == "YES"
    assert data_set.PixelData == bytes(64)
    assert b"Doe" not in first.body
    assert b"4711" not in first.body
    assert data_set.SOPInstanceUID in first.headers["content-disposition"]
    assert [info async for info in with_secret.world.objects.scan("archive")] == []


@pytest.mark.parametrize(
    "content_type",
    ['multipart/related; type="application/dicom"', "multipart/form-data", "application/octet-stream"],
)
async def test_takes_other_forms_of_a_body(with_secret: Service, content_type: str) -> None:
    """One part of a multipart body, or bytes."""
    data = an_instance(1)
    body = multipart(data) if "multipart" in content_type else data

    answer = await post(with_secret, body, content_type=f"{content_type}; boundary={BOUNDARY}")

    assert read(answer).PatientIdentityRemoved == "YES"


async def test_a_dry_run_lists_places_rules_and_actions(with_secret: Service) -> None:
    """And no value."""
    answer = await post(
        with_secret, an_instance(1, PatientName="Doe^Jane"), "dryRun=true&options=retain_uids"
    )

    changes = {change["path"]: change for change in answer.json["changes"]}
    assert changes["(0010,0010)"] == {
        "path": "(0010,0010)",
        "rule": "PS3.15 2026d Table E.1-1",
        "action": "Z",
    }
    assert changes["(0020,000D)"]["action"] == "K"
    assert answer.json["counts"]["K"] >= 3
    assert answer.json["notListed"] == 0
    assert b"Doe" not in answer.body


async def test_options_and_filters_are_parameters(with_secret: Service) -> None:
    """Several are separated by commas or come several times; each filter says what it is in the file."""
    data = an_instance(1, StudyDate="20240229", PatientSex="F", InstitutionName="Clinic")

    kept = read(
        await post(
            with_secret, data, "options=retain_uids,retain_institution_identity&options=clean_graphics"
        )
    )
    harbor = read(await post(with_secret, data, "filter=FILTER_HIPAA"))
    both = read(await post(with_secret, data, "filter=FILTER_HIPAA,FILTER_GDPR"))

    assert kept.InstitutionName == "Clinic"
    assert len(kept.DeidentificationMethodCodeSequence) == 4
    assert (harbor.StudyDate, harbor.PatientSex) == ("20240101", "F")
    assert (both.StudyDate, both.PatientSex) == ("", "")


@pytest.mark.parametrize(
    "query",
    [
        "filter=CCPA", "options=retain_everything", "filter=HIPAA&options=retain_uids", "pixels=burn", "mask=1,2,3",
        "options=retain_longitudinal_full_dates,retain_longitudinal_modified_dates", "dryRun=maybe",
        "filters=GDPR", "Options=retain_uids", "dry_run=true", "toPartition=research",
    ],
)  # fmt: skip
async def test_what_has_no_meaning_is_refused(with_secret: Service, query: str) -> None:
    """With 400, before the body is read."""
    assert (await post(with_secret, b"", query)).status == 400


async def test_without_a_secret_the_answer_says_what_to_set(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is de-identified with a secret that anybody can guess."""
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)

    answer = await post(service, an_instance(1))

    assert (answer.status, answer.json["code"]) == (501, "NotConfigured")
    assert "DICOM_DEIDENTIFY_SECRET" in answer.json["detail"]


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"", "application/dicom", 422),
        (b"no DICOM at all", "application/dicom", 422),
        (an_instance(1)[:-9], "application/dicom", 422),
        (bundled("test_files/dicomdirtests/DICOMDIR"), "application/dicom", 422),
        (an_instance(1), "text/plain", 415),
        (multipart(an_instance(1), an_instance(2)), f"multipart/related; boundary={BOUNDARY}", 400),
        (bytes(2_000_000), "application/dicom", 413),
    ],
)
async def test_what_cannot_be_deidentified_is_refused(
    with_secret: Service, monkeypatch: pytest.MonkeyPatch, data: bytes, content_type: str, status: int
) -> None:
    """Each with a status of its own."""
    small = with_secret.settings.model_copy(update={"max_deidentify_bytes": 1_000_000})
    monkeypatch.setattr(_wiring, "settings", lambda: small)

    assert (await post(with_secret, data, content_type=content_type)).status == status


def ultrasound(**attributes: Any) -> Dataset:
    """Return an ultrasound image whose pixels are all 7, with a region of columns 2 to 4 and rows 3 to 7."""
    data_set = a_dataset(1, Modality="US", PixelData=b"\x07" * 64, **attributes)
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 2, 3
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 4, 7
    data_set.SequenceOfUltrasoundRegions = [region]
    return data_set


@pytest.mark.parametrize("compressed", [False, True])
async def test_pixels_outside_the_regions_are_blanked(with_secret: Service, *, compressed: bool) -> None:
    """Inside they are as they were; the file says so, compressed ones come back uncompressed."""
    data_set = ultrasound()
    if compressed:
        data_set.compress(RLELossless, generate_instance_uid=False)

    masked = read(await post(with_secret, part10(data_set)))

    pixels = masked.pixel_array
    assert (pixels[3:8, 2:5] == 7).all()
    assert np.count_nonzero(pixels) == 15
    assert masked.BurnedInAnnotation == "NO"
    assert "113101" in [code.CodeValue for code in masked.DeidentificationMethodCodeSequence]
    assert masked.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian


async def test_pixels_that_may_show_text_are_refused_unless_told_otherwise(with_secret: Service) -> None:
    """Without regions nothing tells where text is: rectangles do, and who has looked may keep the pixels."""
    data_set = a_dataset(1, BurnedInAnnotation="YES", PixelData=b"\x07" * 64)
    data = part10(data_set)

    refused = await post(with_secret, data)
    kept = read(await post(with_secret, data, "pixels=keep"))
    masked = read(await post(with_secret, data, "mask=0,0,8,2&mask=0,6,3,8"))

    assert (refused.status, refused.json["code"]) == (422, "BurnedInPixels")
    assert "(0028,0301)" in refused.json["detail"]
    assert kept.PixelData == b"\x07" * 64
    assert kept.BurnedInAnnotation == "YES"
    assert np.count_nonzero(masked.pixel_array) == 64 - 16 - 6
    assert (await post(with_secret, part10(ultrasound()), "pixels=refuse")).status == 422


async def test_a_value_too_large_to_rewrite_is_searched_too(with_secret: Service) -> None:
    """An identifier in it is found when the output is read back, and the file is not given out."""
    data = an_instance(1, PatientID="MRN-4711-XY")
    large = b"\0" * 70_000 + b" MRN-4711-XY " + b"\0" * 3
    place = data.index(element(0x00280002, "US", b"\1\0"))
    with_large = data[:place] + element(0x00281201, "OW", large) + data[place:]

    answer = await post(with_secret, with_large)

    assert (answer.status, answer.json["code"]) == (422, "IdentifierLeft")
    assert "4711" not in answer.json["detail"]


@pytest.mark.parametrize(
    ("comment", "status"),
    [(b"MRN-4711-XY", 422), ("MRN-4711-XY".encode("utf-16-le"), 422), (b"ROSE", 200), (b"nobody", 200)],
)
async def test_comments_in_compressed_pixels_are_searched(
    with_secret: Service, comment: bytes, status: int
) -> None:
    """A stream of JPEG is copied with its comments; of five letters or fewer any may stand there by chance."""
    data_set = a_dataset(1, PatientName="ROSE", PatientID="MRN-4711-XY")
    data_set.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    segment = b"\xff\xfe" + (len(comment) + 3).to_bytes(2, "big") + b" " + comment
    data_set.PixelData = encapsulate([b"\xff\xd8" + bytes(700_000) + segment + b"\xff\xd9"])
    data_set["PixelData"].VR = "OB"

    answer = await post(with_secret, part10(data_set))

    assert answer.status == status
    assert status == 200 or b"4711" not in answer.body


async def test_pseudonyms_at_random_differ_each_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They need no secret, and what the file says of its making tells of them."""
    monkeypatch.setattr(_wiring, "settings", lambda: service.settings)
    data = an_instance(1, PatientID="MRN-4711")

    first, again = [read(await post(service, data, "pseudonyms=random&filter=GDPR")) for _ in range(2)]

    assert first.SOPInstanceUID != again.SOPInstanceUID
    assert first.PatientID != again.PatientID
    assert list(first.DeidentificationMethod)[-1] == "FILTER_GDPR: PSEUDONYMISED, the key thrown away"
    assert (await post(service, data, "pseudonyms=other")).status == 400
