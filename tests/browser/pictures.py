"""Pictures as DICOM files in several transfer syntaxes, what a viewer must draw of them, and how alike two drawings are."""

import io
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from tests.instances import a_dataset, part10

ROWS, COLUMNS = 192, 160
FRAMES = 3
type Grey = NDArray[np.float64]

CASES: dict[str, UID] = {
    "uncompressed": ExplicitVRLittleEndian,
    "jpeg": JPEGBaseline8Bit,
    "jpeg-ls": JPEGLSLossless,
    "jpeg-2000": JPEG2000Lossless,
    "rle": RLELossless,
    "multi-frame": ExplicitVRLittleEndian,
}


def picture_file(name: str) -> bytes:
    """Return the file of a case: a picture that no other case has, 12 bits and a window but for JPEG of 8 bits."""
    number = 8000 + list(CASES).index(name)
    syntax = CASES[name]
    bits = 8 if syntax == JPEGBaseline8Bit else 12
    frames = FRAMES if name == "multi-frame" else 1
    kind = (
        SecondaryCaptureImageStorage if frames == 1 else MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    )
    pixels = np.stack([_draw(number + 100 * frame, bits) for frame in range(frames)])
    data_set = a_dataset(
        number,
        SOPClassUID=kind,
        Modality="OT",
        Rows=ROWS,
        Columns=COLUMNS,
        BitsAllocated=8 if bits == 8 else 16,
        BitsStored=bits,
        HighBit=bits - 1,
        NumberOfFrames=frames if frames > 1 else None,
        WindowCenter=str(2 ** (bits - 1)),
        WindowWidth=str(2 ** (bits - 1)),
        PixelSpacing=["0.5", "0.5"],
        ImagePositionPatient=None,
        PixelData=pixels.tobytes(),
    )
    data_set["PixelData"].VR = "OB" if bits == 8 else "OW"
    if syntax == JPEGBaseline8Bit:
        _compress_as_jpeg(data_set, pixels[0])
    elif syntax != ExplicitVRLittleEndian:
        data_set.compress(syntax, pixels.reshape(ROWS, COLUMNS), generate_instance_uid=False)
    return part10(data_set)


def _draw(number: int, bits: int) -> NDArray[Any]:
    """Draw smooth hills: a picture turned, mirrored, shifted or of another number is unlike it."""
    chosen = np.random.default_rng(number)
    rows, columns = np.mgrid[0:ROWS, 0:COLUMNS]
    picture = np.zeros((ROWS, COLUMNS))
    for _ in range(12):
        row, column = chosen.uniform(0, ROWS), chosen.uniform(0, COLUMNS)
        width = chosen.uniform(8, 30)
        picture += chosen.uniform(0.3, 1) * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / width**2)
    scaled: NDArray[Any] = picture / picture.max() * (2**bits - 1)
    return scaled.astype(np.uint8 if bits == 8 else np.uint16)


def _compress_as_jpeg(data_set: Dataset, pixels: NDArray[Any]) -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    data_set.PixelData = encapsulate([buffer.getvalue()])
    data_set["PixelData"].is_undefined_length = True
    data_set.file_meta.TransferSyntaxUID = JPEGBaseline8Bit


def expected_pictures(file: bytes) -> list[Grey]:
    """Return each frame as pydicom decodes it, in the file's own window, from 0 (black) to 1."""
    data_set = dcmread(io.BytesIO(file))
    pixels = pixel_array(data_set)
    frames = pixels if pixels.ndim == 3 else pixels[np.newaxis]
    return [_windowed(frame, data_set) for frame in frames]


def _windowed(frame: NDArray[Any], data_set: Dataset) -> Grey:
    shown: Grey = apply_voi_lut(apply_modality_lut(frame, data_set), data_set).astype(np.float64)
    return (shown - shown.min()) / (shown.max() - shown.min())


def likeness(expected: Grey, canvas: Grey, hung: Literal["left", "middle", "right"] = "middle") -> float:
    """Return the correlation of a canvas with a picture that fills it as far as its shape lets it.

    The empty margins count: the expected picture has them black.

    Args:
        expected: The picture.
        canvas: What was drawn.
        hung: In the middle, or as OHIF hangs mammograms: to fill the canvas by 0.8 of its height and width, and a tenth
            of its width beyond an edge.
    """
    height, width = canvas.shape
    rows, columns = expected.shape
    scale = min(height / rows, width / columns) / (1 if hung == "middle" else 0.8)
    size = round(columns * scale), round(rows * scale)
    scaled = Image.fromarray((expected * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    whole = Image.new("L", (width, height))
    beyond = size[0] // 10
    left = {"left": -beyond, "middle": (width - size[0]) // 2, "right": width - size[0] + beyond}[hung]
    whole.paste(scaled, (left, (height - size[1]) // 2))
    return float(np.corrcoef(np.asarray(whole, np.float64).ravel(), canvas.ravel())[0, 1])


def grey_of_png(png: bytes) -> Grey:
    """Return a PNG as grey values from 0 to 1."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), np.float64) / 255
