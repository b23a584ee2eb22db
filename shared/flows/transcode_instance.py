"""Read an instance and write it anew in another transfer syntax. What is stored stays as it is."""

from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.dicom.frames import frame_bytes
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.references import InstanceRef
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._instance_bytes import read_bytes
from shared.flows._pixel_attributes import pixel_attributes
from shared.flows._posted_header import inflate_posted, posted_header
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.transcode_file import EncodedFrames, transcode_file
from shared.ports.archive import InstanceIndex, ObjectStore
from shared.records import InstanceRecord
from shared.telemetry.tracing import flow


@flow
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
    data = await read_bytes(objects, record.location, 0, record.location.length)
    header = await posted_header(data)
    content = await inflate_posted(data, header) if header.deflated else data
    layout = header.pixel_layout

    def work() -> bytes:
        encoded = None
        try:
            if layout is not None and (layout.encapsulated or target == JPEG_2000_LOSSLESS):
                encoded = _encoded_frames(record, layout, content)
            return transcode_file(header, content, data, target, encoded=encoded)
        except DamagedDicomError as error:
            raise NotAcceptableError(
                f"instance {ref.sop_instance_uid} is stored in {record.transfer_syntax_uid} and cannot be transcoded:"
                f" {error}; ask for transfer-syntax=*"
            ) from None

    return await in_cpu_pool(work)


def _encoded_frames(record: InstanceRecord, layout: PixelLayout, content: bytes) -> EncodedFrames:
    frames = []
    for frame_number in range(1, layout.number_of_frames + 1):
        start, end = frame_span(layout, frame_number)
        frames.append(frame_bytes(layout, frame_number, content[start:end]))
    return EncodedFrames(pixel_attributes(record, layout), frames)
