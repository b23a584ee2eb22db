"""Make the rows of a case that was stored as a whole anew, from its manifest and its images."""

from shared.errors import RejectedInstanceError
from shared.flows._case_commit import (
    CaseStorePorts,
    images_of_session,
    index_images,
    manifest_key,
    read_manifest,
    read_record,
    session_prefix,
)
from shared.records import CaseCommit, CaseImage, InstanceRecord, ObjectKey


def is_manifest(key: ObjectKey) -> bool:
    """Tell whether an object of a session is what says which case it is."""
    return key.name.endswith("/case.json")


async def restore_case(session: str, ports: CaseStorePorts) -> bool:
    """Let every table know the case that a session is; return whether it is one.

    It is none if it has no manifest: it was not committed, or what follows the commit is not done, which is for the
    sweep. Nor is it if a later session has taken its place. Safe to repeat; an image that was deleted stays deleted.

    Raises:
        ConcurrentChangeError: The case is being stored at this moment.
    """
    told = await read_manifest(session, ports)
    if told is None:
        return False
    case = told.session
    there, images = await ports.sessions.case_of(case.year, case.case_id)
    if there is not None and (not there.done or there.session.begun_at > case.begun_at):
        return False
    found = await _images(told, ports)
    report = await ports.reports.get(case.year, case.case_id)
    if there is None or there.session.key != session:
        own = [] if there is None else images_of_session(ports, there.session.key, images)
        await ports.sessions.begin(case)
        commit = CaseCommit(case, report or "", told.fingerprint, told.previous)
        commit = await ports.sessions.commit(commit, list(found), seen=there, replaced=own)
        await index_images(list(found.values()), list(found), ports)
        await ports.sessions.finish(commit)
        await ports.sessions.forget(case)
    else:
        await index_images(list(found.values()), list(found), ports)
        if found:
            await ports.cases.put(list(found))
    await ports.cases.note_report(case.year, case.case_id, present=report is not None)
    return True


async def _images(told: CaseCommit, ports: CaseStorePorts) -> dict[CaseImage, InstanceRecord]:
    case, prefix = told.session, session_prefix(ports, told.session.key)
    manifest = manifest_key(ports, case.key)
    found: dict[CaseImage, InstanceRecord] = {}
    async for info in ports.objects.scan(ports.container, prefix=prefix):
        if info.key == manifest:
            continue
        view = info.key.name.removeprefix(prefix).removesuffix(".dcm")
        try:
            record = await read_record(info.key, ports)
        except RejectedInstanceError:
            continue
        found[CaseImage(case.year, case.case_id, view, info.key, record.ref)] = record
    return found
