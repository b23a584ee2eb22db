"""Guess from the header whether text or a face is in the pixels. It decodes none of them.

BurnedInAnnotation is absent from most files, and NO is what a vendor set once: absence means nothing here, and NO
makes a guess weaker, but not for ultrasound and captured screens.

Source: PS3.3 2024e §C.7.6.1.1.2 (ImageType), §C.7.6.1 (BurnedInAnnotation), §C.8.6.1 (SC equipment)
"""

from collections.abc import Iterator
from typing import Final

from shared.dicom.header import Header
from shared.dicom.risk import rules
from shared.dicom.risk.rules import Rule

_SOP_CLASS_UID: Final = 0x0008_0016
_MODALITY: Final = 0x0008_0060
_IMAGE_TYPE: Final = 0x0008_0008
_CONVERSION_TYPE: Final = 0x0008_0064
_MANUFACTURER_MODEL_NAME: Final = 0x0008_1090
_SECONDARY_CAPTURE_DEVICE: Final = (0x0018_1010, 0x0018_1012, 0x0018_1016, 0x0018_1018)
_BURNED_IN_ANNOTATION: Final = 0x0028_0301
_RECOGNIZABLE_VISUAL_FEATURES: Final = 0x0028_0302

_MODALITIES: Final = frozenset({"US", "IVUS", "ES", "XC", "GM", "OP", "OT", "DOC", "SC", "HC", "DG", "PX"})
_ULTRASOUND: Final = frozenset({"US", "IVUS"})
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_SOP_CLASSES: Final = (
    _SECONDARY_CAPTURE,
    "1.2.840.10008.5.1.4.1.1.104.",  # encapsulated documents
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",  # video endoscopic
    "1.2.840.10008.5.1.4.1.1.77.1.2.1",  # video microscopic
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",  # video photographic
)
_DOCUMENTS: Final = _SOP_CLASSES[1]
_IMAGE_TYPES: Final = frozenset(
    {"SECONDARY", "SCREEN SAVE", "REPORT", "DOSE", "DOSE_INFO", "PROTOCOL", "SCREENSHOT"}
)
_SLICE_MODALITIES: Final = frozenset({"CT", "MR", "PT"})
_DEVICES: Final = (
    "LOGIQ",
    "VIVID",
    "IU22",
    "EPIQ",
    "ACUSON",
    "APLIO",
    "HDI 5000",
    "CX50",
    "SONOSITE",
    "VITREA",
    "VPACS",
)
"""Beginnings of model names that public masking rules list for text in their pictures."""


def pixel_signals(header: Header) -> Iterator[tuple[Rule, int]]:
    """Yield what speaks for text or a face in the pixels, each with the tag that says so (0: its absence does)."""
    sop_class = header.text(_SOP_CLASS_UID) or ""
    if header.pixel_layout is None and not sop_class.startswith(_DOCUMENTS):
        return
    if header.text(_BURNED_IN_ANNOTATION) == "YES":
        yield rules.BURNED_IN_STATED, _BURNED_IN_ANNOTATION
    if header.text(_RECOGNIZABLE_VISUAL_FEATURES) == "YES":
        yield rules.FACE_STATED, _RECOGNIZABLE_VISUAL_FEATURES
    if header.text(_MODALITY) in _MODALITIES:
        yield rules.BURNED_IN_MODALITY, _MODALITY
    if _is_captured(sop_class):
        yield rules.BURNED_IN_SOP_CLASS, _SOP_CLASS_UID
    yield from _of_image_type(header)
    if device := _device(header):
        yield rules.BURNED_IN_DEVICE, device


def denies_burned_in(header: Header) -> bool:
    """Tell whether the file says that nothing is burned in, and is of a kind of which that can be believed."""
    return (
        header.text(_BURNED_IN_ANNOTATION) == "NO"
        and header.text(_MODALITY) not in _ULTRASOUND
        and not _is_captured(header.text(_SOP_CLASS_UID) or "")
    )


def _is_captured(sop_class: str) -> bool:
    return sop_class.startswith(_SOP_CLASSES[1:]) or (
        sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + ".")
    )


def _of_image_type(header: Header) -> Iterator[tuple[Rule, int]]:
    element = header.elements.get(_IMAGE_TYPE)
    value = element.value if element is not None and isinstance(element.value, bytes) else b""
    values = [part.strip(" \0").upper() for part in value.decode("latin-1").split("\\")]
    if not any(values):
        yield rules.NO_IMAGE_TYPE, 0
    elif not _IMAGE_TYPES.isdisjoint(values) or (
        values[0] == "DERIVED" and header.text(_MODALITY) in _SLICE_MODALITIES
    ):
        yield rules.BURNED_IN_IMAGE_TYPE, _IMAGE_TYPE


def _device(header: Header) -> int:
    """Return the tag that names a device which captures or burns in; 0 for none."""
    model = (header.text(_MANUFACTURER_MODEL_NAME) or "").upper()
    if model.startswith(_DEVICES):
        return _MANUFACTURER_MODEL_NAME
    tags = (_CONVERSION_TYPE, *_SECONDARY_CAPTURE_DEVICE)
    return next((tag for tag in tags if header.text(tag)), 0)
