"""Read the records of a study, a series or an instance. Reads no object."""

from collections.abc import AsyncIterator

from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.errors import SeriesNotFoundError, StudyNotFoundError
from shared.ports.archive import InstanceIndex
from shared.records import InstanceRecord

type Ref = StudyRef | SeriesRef | InstanceRef


def contains(ref: Ref, instance: InstanceRef) -> bool:
    """Tell whether an instance is, or is of, what *ref* names."""
    return ref in (instance, instance.series, instance.study)


async def records_of(index: InstanceIndex, ref: Ref) -> AsyncIterator[InstanceRecord]:
    """Yield the serving records of what *ref* names, at least one.

    Raises:
        StudyNotFoundError: The study has no instance.
        SeriesNotFoundError: The series has none.
        InstanceNotFoundError: There is no such instance.
    """
    if isinstance(ref, InstanceRef):
        yield await index.get(ref)
        return
    none = True
    async for record in index.instances_of(ref):
        none = False
        yield record
    if none and isinstance(ref, SeriesRef):
        raise SeriesNotFoundError(f"no instance of series {ref.series_instance_uid} is in the archive")
    if none:
        raise StudyNotFoundError(f"no instance of study {ref.study_instance_uid} is in the archive")
