"""Have the pixels of a file masked, if something speaks for text or a face in them. It rewrites no header.

Source: PS3.15 2026d §E.3.1
"""

from dataclasses import dataclass, replace
from typing import Final, Literal

from shared.dicom.deidentification.burned_in import suspicions, ultrasound_regions
from shared.dicom.deidentification.deidentify_header import NewPixels
from shared.dicom.deidentification.known_devices import device_rectangles
from shared.dicom.dicom_json import to_dicom_json
from shared.dicom.frames import frame_bytes
from shared.dicom.header import Header
from shared.dicom.pixel_layout import PixelLayout, frame_span
from shared.dicom.tags import EXPLICIT_VR_LITTLE_ENDIAN, PIXEL_DATA
from shared.errors import BurnedInPixelsError, DamagedDicomError, NotAcceptableError
from shared.flows._file_source import FileSource
from shared.pixels.cpu_pool import in_cpu_pool
from shared.pixels.decode_frame import can_decode, decode_frame
from shared.pixels.image_attributes import ImageAttributes, image_attributes
from shared.pixels.mask_pixels import Mask, Rectangle, blank, check_maskable, mask_native

type PixelPolicy = Literal["mask", "devices", "keep", "refuse"]

PHOTOMETRIC_INTERPRETATION: Final = 0x0028_0004
PLANAR_CONFIGURATION: Final = 0x0028_0006


@dataclass(frozen=True, slots=True)
class PixelRequest:
    """What is to be done about text in pixels.

    Attributes:
        policy: "mask" what may show it, and refuse where nothing tells what that is; "devices": do so, and mask where
            devices of this model are known to write; "keep" the pixels, whoever asked has looked at them; "refuse"
            where anything speaks for text in them.
        blanked: rectangles that are blanked out in any case, as they are known of the device.
    """

    policy: PixelPolicy = "mask"
    blanked: tuple[Rectangle, ...] = ()


async def masked_pixels(source: FileSource, header: Header, request: PixelRequest) -> NewPixels | None:
    """Return the pixels as they are to be written, or None if they stay.

    Args:
        source: of the file, or of its inflated data set if it is deflated.
        header: of the file.
        request: what is to be done.

    Raises:
        BurnedInPixelsError: the pixels may show who the patient is, and cannot be masked.
        NotConfiguredError: devices are asked for, and what knows them is not installed.
    """
    if request.policy == "devices" and header.pixel_layout is not None:
        known = await in_cpu_pool(lambda: device_rectangles(header))
        request = replace(request, blanked=(*request.blanked, *(Rectangle(*each) for each in known)))
    mask = mask_for(header, request)
    layout = header.pixel_layout
    if mask is None or layout is None:
        return None
    try:
        image = _maskable(header, layout)
        if layout.encapsulated:
            return await _decoded(source, header, layout, image, mask)
        value = await source.fetch(layout.offset, layout.offset + layout.length)
        masked = await in_cpu_pool(
            lambda: mask_native(value, image, layout.number_of_frames, mask, byte_order=header.byte_order)
        )
    except (NotAcceptableError, DamagedDicomError) as error:
        raise BurnedInPixelsError(f"The pixels must be masked and cannot be: {error}.") from None
    return NewPixels(masked, header.elements[layout.tag].vr)


def _maskable(header: Header, layout: PixelLayout) -> ImageAttributes:
    """Return how the pixels are to be understood, or raise NotAcceptableError."""
    if layout.tag != PIXEL_DATA:
        raise NotAcceptableError("pixels of float numbers are not masked")
    attributes = to_dicom_json(header).attributes
    image = image_attributes(attributes, pixel_tag=layout.tag, pixel_vr=header.elements[layout.tag].vr)
    check_maskable(image, layout.number_of_frames)
    return image


def mask_for(header: Header, request: PixelRequest) -> Mask | None:
    """Return what is to be masked, or None if the pixels stay.

    Raises:
        BurnedInPixelsError: the pixels may show who the patient is, and nothing tells where.
    """
    if header.pixel_layout is None or request.policy == "keep":
        return None
    tags = suspicions(header)
    if tags and request.policy == "refuse":
        raise _refusal(tags)
    regions = tuple(Rectangle(*region) for region in ultrasound_regions(header))
    if tags and not regions and not request.blanked:
        raise _refusal(tags)
    if not tags and not request.blanked:
        return None
    return Mask(regions if tags and regions else None, request.blanked)


def _refusal(tags: tuple[str, ...]) -> BurnedInPixelsError:
    return BurnedInPixelsError(
        f"The pixels may show who the patient is ({', '.join(tags)} say so), and nothing tells where: give rectangles"
        " to blank out with mask=left,top,right,bottom, or, when you have looked at them, ask for pixels=keep."
    )


async def _decoded(
    source: FileSource, header: Header, layout: PixelLayout, image: ImageAttributes, mask: Mask
) -> NewPixels:
    """Decode, mask and return native pixels: what is masked cannot be written into a compressed frame."""
    if not can_decode(header.transfer_syntax_uid):
        raise NotAcceptableError(f"{header.transfer_syntax_uid} is not decoded here")
    native = bytearray()
    photometric = image.photometric_interpretation
    kind = f"<{'i' if image.pixel_representation else 'u'}{image.bits_allocated // 8}"
    for number in range(1, layout.number_of_frames + 1):
        start, end = frame_span(layout, number)
        frame = frame_bytes(layout, number, await source.fetch(start, end))

        def work(frame: bytes = frame) -> tuple[bytes, str]:
            decoded = decode_frame(frame, image, header.transfer_syntax_uid)
            pixels = decoded.pixels.astype(kind)
            shaped = pixels.reshape(image.rows, image.columns, image.samples_per_pixel)
            blank(shaped, image, mask, photometric_interpretation=decoded.photometric_interpretation)
            return shaped.tobytes(), decoded.photometric_interpretation

        pixels, photometric = await in_cpu_pool(work)
        native += pixels
    if len(native) % 2:
        native.append(0)
    attributes: dict[int, tuple[str, bytes]] = {
        PHOTOMETRIC_INTERPRETATION: ("CS", photometric.encode("ascii"))
    }
    if image.samples_per_pixel > 1:
        attributes[PLANAR_CONFIGURATION] = ("US", b"\0\0")
    vr = "OW" if image.bits_allocated > 8 else "OB"
    return NewPixels(bytes(native), vr, attributes, EXPLICIT_VR_LITTLE_ENDIAN)
