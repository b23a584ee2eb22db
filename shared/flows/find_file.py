"""Find the one instance that a file is asked for by: its id, values it has, or the key of its object."""

from collections.abc import Sequence
from dataclasses import replace

from shared.errors import InstanceNotFoundError, InvalidQueryError, ObjectNotFoundError
from shared.flows.retrieve_instances import FoundInstance
from shared.flows.search_documents import DocumentPorts, Question, search_documents
from shared.ports.archive import ObjectLedger
from shared.records import InstanceRecord, ObjectKey, ObjectState
from shared.telemetry.tracing import flow


@flow
async def find_file(
    wanted: Sequence[ObjectKey] | Question, ports: DocumentPorts, *, ledger: ObjectLedger
) -> FoundInstance:
    """Return the instance of which a file is wanted; of several keys, that of the first which has one.

    Raises:
        NotFoundError: There is none.
        InvalidQueryError: There are several.
    """
    record = (
        await _of(wanted, ports) if isinstance(wanted, Question) else await _of_object(wanted, ports, ledger)
    )
    return FoundInstance(record.ref, "", record.transfer_syntax_uid, record.location)


async def _of(question: Question, ports: DocumentPorts) -> InstanceRecord:
    found = await search_documents(replace(question, limit=2, just_find=True, counted=False), ports)
    if not found.hits:
        raise InstanceNotFoundError("no instance matches")
    if len(found.hits) > 1:
        raise InvalidQueryError("several instances match; name one by its id, as /search answers it")
    return await ports.instances.get(found.hits[0].ref)


async def _of_object(keys: Sequence[ObjectKey], ports: DocumentPorts, ledger: ObjectLedger) -> InstanceRecord:
    """Return the record of an object; its own one, also where another object serves the instance."""
    for key in keys:
        entry = await ledger.get(key)
        if entry is not None and entry.state is ObjectState.INDEXED and entry.ref is not None:
            async for record in ports.instances.versions_of(entry.ref):
                if record.location.key == key:
                    return record
    raise ObjectNotFoundError("no instance of this archive lies in an object of this key")
