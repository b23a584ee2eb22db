"""Read how an instance's pixels are to be understood out of its record. Reads no object."""

from shared.dicom.pixel_layout import PixelLayout
from shared.pixels.image_attributes import Attributes, ImageAttributes, image_attributes
from shared.records import InstanceRecord


def pixel_attributes(
    record: InstanceRecord, layout: PixelLayout, attributes: Attributes | None = None
) -> ImageAttributes:
    """Return the Image Pixel Module of an instance, checked.

    Args:
        record: Of the instance.
        layout: Of its pixel data.
        attributes: Its data set, if that is parsed already.

    Raises:
        DamagedDicomError: It makes no image.
        NotAcceptableError: A frame would be too large.
    """
    import orjson

    pixels = record.bulk_data.get(f"{layout.tag:08X}")
    return image_attributes(
        orjson.loads(record.metadata) if attributes is None else attributes,
        pixel_tag=layout.tag,
        pixel_vr="OW" if pixels is None else pixels.vr,
    )
