"""Decode frames on their way to a client, or compress them anew. What is stored stays as it is."""

from collections.abc import AsyncIterator
from functools import partial

from shared.dicom.frame_media_types import JPEG_2000_LOSSLESS
from shared.dicom.references import InstanceRef
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN
from shared.errors import DamagedDicomError, NotAcceptableError
from shared.flows._pixel_attributes import pixel_attributes
from shared.flows.retrieve_frames import RetrievedFrames
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.decode_frame import can_decode, decode_frame
from shared.pixels.encode_frame import encode_frame
from shared.pixels.image_attributes import ImageAttributes
from shared.ports.archive import InstanceIndex
from shared.telemetry.tracing import flow


@flow
async def transcode_frames(
    ref: InstanceRef, frames: RetrievedFrames, target: str, *, index: InstanceIndex, max_bytes: int
) -> RetrievedFrames:
    """Return frames as they are in another transfer syntax, colours by pixel and in RGB.

    Args:
        ref: The instance.
        frames: Of it, as they are stored.
        target: One of `transcode_file.TARGETS`: Explicit VR Little Endian, or JPEG 2000 lossless.
        index: Which knows its attributes.
        max_bytes: Most that one decoded frame may have.

    Raises:
        NotAcceptableError: They cannot be decoded, or are too large.
        DamagedDicomError: The instance's attributes make no image.

    Source: PS3.18 2024e §8.7.3.5
    """
    record = await index.get(ref)
    stored = record.transfer_syntax_uid
    if record.layout is None or not can_decode(stored):
        raise NotAcceptableError(
            f"instance {ref.sop_instance_uid} is stored in {stored} and not decoded; ask for transfer-syntax=*"
        )
    image = pixel_attributes(record, record.layout)
    if image.decoded_length > max_bytes or image.bits_allocated == 1:
        raise NotAcceptableError(
            f"a frame of instance {ref.sop_instance_uid} has {image.decoded_length} bytes of {image.bits_allocated}"
            f" bits when decoded, and {max_bytes} of 8 or more bits are decoded at most; ask for transfer-syntax=*"
        )
    return RetrievedFrames(
        urls=frames.urls,
        transfer_syntax_uid=target,
        length=image.decoded_length if target == EXPLICIT_VR_LITTLE_ENDIAN else None,
        content=_transcoded(frames.content, image, stored, target),
    )


async def _transcoded(
    content: AsyncIterator[bytes], image: ImageAttributes, stored: str, target: str
) -> AsyncIterator[bytes]:
    async for frame in content:
        yield await in_cpu_pool(partial(_transcode, frame, image, stored, target))


def _transcode(frame: bytes, image: ImageAttributes, stored: str, target: str) -> bytes:
    try:
        decoded = decode_frame(frame, image, stored)
    except DamagedDicomError as error:
        raise NotAcceptableError(str(error)) from None
    if target == JPEG_2000_LOSSLESS:
        return encode_frame(decoded.pixels, image, decoded.photometric_interpretation)
    kind = f"<{'i' if image.pixel_representation else 'u'}{image.bits_allocated // 8}"
    if decoded.pixels.dtype.kind == "f":
        kind = f"<f{image.bits_allocated // 8}"
    native: bytes = decoded.pixels.astype(kind, copy=False).tobytes()
    return native
