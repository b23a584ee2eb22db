"""Tell elements behind the pixel data from padding that only stands there. It reads nothing."""

from shared.dicom.elements import DataSet, ElementHeader
from shared.dicom.tags import PIXEL_DATA_TAGS
from shared.dicom.vr_lookup import look_up_vr


def may_follow_pixel_data(header: ElementHeader, data_set: DataSet, *, implicit: bool) -> bool:
    """Tell whether bytes behind the pixel data are an element of the data set.

    Zeros and garbage are not: an element there has a VR if those before it have one, its tag is private, a group
    length or of the data dictionary, and it is no second pixel data.

    Args:
        header: what the bytes would be.
        data_set: the elements before it.
        implicit: whether those carry no VR.
    """
    if header.tag == 0 or header.tag in PIXEL_DATA_TAGS or (header.vr is None and not implicit):
        return False
    private, group_length = header.tag >> 16 & 1, not header.tag & 0xFFFF
    return bool(private or group_length or look_up_vr(header.tag, data_set))
