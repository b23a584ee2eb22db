"""Read an instance and write it anew in another transfer syntax. What is stored stays as it is."""

from shared.dicom.frames import frame_bytes
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.references import InstanceRef
from shared.dicom.tags import DEFLATED_TRANSFER_SYNTAXES
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._instance_bytes import inflate_instance, read_bytes
from shared.flows._pixel_attributes import pixel_attributes
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.transcode_file import EncodedFrames, transcode_file
from shared.ports import InstanceIndex, ObjectStore
from shared.records import InstanceRecord


async def transcode_instance(
    ref: InstanceRef, target: str, *, objects: ObjectStore, index: InstanceIndex
) -> bytes:
    """Return an instance as a file in another transfer syntax; `transcode_check` says whether that can be.

    Args:
        ref: The instance.
        target: Transfer syntax UID to write it in.
        objects: Where it lies.
        index: Which knows where.

    Raises:
        InstanceNotFoundError: There is no such instance.
        ObjectNotFoundError: Its object was deleted since it was indexed.
        ObjectChangedError: It was replaced.
        NotAcceptableError: It cannot be decoded, or not be told in *target*.
        UnsupportedObjectError: It inflates to more than the limit.

    Source: PS3.18 2024e §8.7.3.5
    """
    record = await index.get(ref)
    if record.transfer_syntax_uid in DEFLATED_TRANSFER_SYNTAXES:
        # pydicom inflates without a limit; this one has one.
        await inflate_instance(objects, record.location)
    data = await read_bytes(objects, record.location, 0, record.location.length)

    def work() -> bytes:
        encoded = None
        try:
            if record.layout is not None and record.layout.encapsulated:
                encoded = _encoded_frames(record, record.layout, data)
            return transcode_file(data, record.transfer_syntax_uid, target, encoded=encoded)
        except DamagedDicomError as error:
            raise NotAcceptableError(
                f"instance {ref.sop_instance_uid} is stored in {record.transfer_syntax_uid} and cannot be transcoded:"
                f" {error}; ask for transfer-syntax=*"
            ) from None

    return await in_cpu_pool(work)


def _encoded_frames(record: InstanceRecord, layout: PixelLayout, data: bytes) -> EncodedFrames:
    frames = []
    for frame_number in range(1, layout.number_of_frames + 1):
        start, end = frame_span(layout, frame_number)
        frames.append(frame_bytes(layout, frame_number, data[start:end]))
    return EncodedFrames(pixel_attributes(record, layout), frames)
