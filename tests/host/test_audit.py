"""Audit messages of the running app, in the container of their own."""

import json
from typing import Any

import pytest

from tests.host.archive import Archive, an_archive, eventually
from tests.instances import an_instance, uids
from tests.token_issuer import APPLICATION, USER, Issuer, serving, settings_of

pytestmark = [pytest.mark.host]

NAME = "Doe^Jane"
STUDY, SERIES, INSTANCE = uids(1)


async def messages(archive: Archive) -> list[dict[str, Any]]:
    """Return what the container holds, in the order of time."""
    found = []
    container = archive.container("audit")
    async for blob in container.list_blobs():
        content = await (await container.download_blob(blob.name)).readall()
        assert NAME.encode() not in content
        found += [json.loads(line) for line in content.splitlines()]
    return sorted(found, key=lambda message: str(message["EventDateTime"]))


def told(message: dict[str, Any]) -> tuple[str, str, str, int, str]:
    """Return function, event, action, outcome and user of a message."""
    return (
        message["Operation"],
        message["EventID"]["csd-code"],
        message["EventActionCode"],
        message["EventOutcomeIndicator"],
        message["ActiveParticipant"][0]["UserID"],
    )


async def test_who_stored_read_and_was_refused_stands_in_the_container(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Requests by their callers, a blob that was dropped by the app itself; with UIDs, and without a name."""
    issuer = Issuer()
    async with serving(issuer) as url, an_archive(tmp_path_factory.mktemp("archive")) as archive:
        await archive.start("--scan-interval", "0.5", **settings_of(url), DICOM_AUDIT="container")
        root, bearer = archive.dicomweb, {"Authorization": f"Bearer {issuer.token('writer')}"}
        data = an_instance(1, PatientName=NAME)
        headers = bearer | {"Content-Type": "application/dicom"}
        async with archive.session.post(f"{root}/studies", data=data, headers=headers) as answer:
            assert answer.status == 200
        whole = {**bearer, "Accept": "application/dicom; transfer-syntax=*"}
        path = f"{root}/studies/{STUDY}/series/{SERIES}/instances/{INSTANCE}"
        async with archive.session.get(path, headers=whole) as answer:
            assert await answer.read() == data
        async with archive.session.get(f"{root}/studies?PatientName={NAME}", headers=bearer) as answer:
            assert answer.status == 200
        async with archive.session.delete(path) as answer:
            assert answer.status == 401
        await archive.container("images").upload_blob(f"{NAME}.dcm", an_instance(2, PatientName=NAME))

        async def all_there() -> bool:
            operations = {message["Operation"] for message in await messages(archive)}
            return {"dicomweb_delete", "blob_created"} <= operations

        await eventually(all_there)
        found = await messages(archive)
    assert [told(message) for message in found] == [
        ("dicomweb_store", "110104", "C", 0, USER),
        ("dicomweb_retrieve", "110104", "R", 0, USER),
        ("dicomweb_search", "110112", "E", 0, USER),
        ("dicomweb_delete", "110114", "E", 4, "nobody"),
        ("blob_created", "110107", "C", 0, "system"),
    ]
    stored, read, searched, refused, dropped = found
    for message, study in ((stored, 1), (read, 1), (refused, 1), (dropped, 2)):
        [participant] = message["ParticipantObjectIdentification"]
        assert (participant["ParticipantObjectID"], participant["SOPInstanceUID"]) == (
            uids(study)[0],
            [uids(study)[2]],
        )
    assert read["BytesSent"] == len(data)
    assert read["ActiveParticipant"][0]["AlternativeUserID"] == APPLICATION
    assert read["ActiveParticipant"][0]["NetworkAccessPointID"] == "127.0.0.0/24"
    assert searched["QueryKeys"] == ["00100010"]
    assert searched["Found"] == 1
