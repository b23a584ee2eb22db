"""Tell, before anything is sent, whether instances can be transcoded. Reads no object."""

from collections.abc import Sequence

from shared.dicom.tags import DEFLATED_TRANSFER_SYNTAXES
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._in_parallel import in_parallel
from shared.flows._pixel_attributes import pixel_attributes
from shared.flows.retrieve_instances import FoundInstance
from shared.pixels.decode_frame import can_decode
from shared.pixels.transcode_file import TARGETS
from shared.ports.archive import InstanceIndex
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow

_AT_ONCE = 8


@flow
async def transcode_check(
    instances: Sequence[FoundInstance], target: str, *, index: InstanceIndex, max_bytes: int
) -> None:
    """Refuse to transcode what cannot be, or what would be too large.

    Args:
        instances: To be transcoded.
        target: Transfer syntax UID to write them in.
        index: Which knows their attributes.
        max_bytes: Most that an instance may have when it is transcoded, as far as its attributes tell.

    Raises:
        NotAcceptableError: One cannot be transcoded; the message says what to ask for instead.
    """

    async def check(instance: FoundInstance) -> None:
        _check(await index.get(instance.ref), target, max_bytes)

    await in_parallel(check, instances, limit=_AT_ONCE)


def _check(record: InstanceRecord, target: str, max_bytes: int) -> None:
    stored, uid = record.transfer_syntax_uid, record.ref.sop_instance_uid
    advice = "ask for transfer-syntax=* to have it as it is"
    is_encapsulated = record.layout is not None and record.layout.encapsulated
    if target not in TARGETS or (is_encapsulated and not can_decode(stored)):
        raise NotAcceptableError(
            f"instance {uid} is stored in {stored} and not transcoded to {target}; {advice}"
        )
    length = record.location.length
    if is_encapsulated and record.layout is not None:
        try:
            length += pixel_attributes(record, record.layout).decoded_length * record.layout.number_of_frames
        except DamagedDicomError as error:
            raise NotAcceptableError(f"instance {uid} cannot be decoded: {error}; {advice}") from None
    elif stored in DEFLATED_TRANSFER_SYNTAXES and record.layout is not None:
        length += record.layout.length
    if length > max_bytes:
        raise NotAcceptableError(
            f"instance {uid} has some {length} bytes when transcoded, and {max_bytes} are transcoded at most; {advice}"
        )
