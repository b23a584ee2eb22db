"""List the instances that a job is asked to work on, as they are known at this moment. Reads no object."""

from typing import Final

from shared.dicom.references import InstanceRef
from shared.errors import CaseNotFoundError, ObjectExistsError, PayloadTooLargeError
from shared.flows._case_images import CasePorts, find_case
from shared.flows._records import Ref, records_of
from shared.ports.archive import InstanceIndex

__all__ = ["MAX_ITEMS", "CasePorts", "instances_of", "instances_of_case"]

MAX_ITEMS: Final = 100_000


async def instances_of(ref: Ref, index: InstanceIndex) -> list[InstanceRef]:
    """Return the instances of a study or series, or the one that is named.

    Raises:
        NotFoundError: There is none.
        PayloadTooLargeError: There are more than MAX_ITEMS.
    """
    refs = []
    async for record in records_of(index, ref):
        refs.append(record.ref)
        if len(refs) > MAX_ITEMS:
            raise PayloadTooLargeError(f"a job has {MAX_ITEMS} instances at most: begin one a series")
    return refs


async def instances_of_case(year: str, case_id: str, ports: CasePorts) -> list[InstanceRef]:
    """Return the instances of a clinical case.

    Raises:
        CaseNotFoundError: There is no such case, or it has no image.
        ObjectExistsError: An image of the case is not what is served for its UIDs.
    """
    case = await find_case(year, case_id, ports)
    images = [*case.views.values(), *case.duplicates]
    refs = {one.record.ref: None for one in images if one.served}
    if any(one.record.ref not in refs for one in images):
        raise ObjectExistsError(
            "an image of the case shares its SOP Instance UID with an object elsewhere, which would be taken instead;"
            " give one of them another UID"
        )
    if not refs:
        raise CaseNotFoundError("the case has no image")
    return list(refs)
