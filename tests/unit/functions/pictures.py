"""Images to show, and how their pictures are asked for."""

import io
from typing import Any

import numpy as np
from PIL import Image

from tests.unit.flows.builders import SERIES, STUDY, add_pixels, make_data_set, to_file
from tests.unit.functions.requests import Answer
from tests.unit.functions.service import Service

INSTANCE = f"{STUDY}/series/{SERIES}/instances/{SERIES}.1"
LEVELS = (STUDY, f"{STUDY}/series/{SERIES}", INSTANCE, f"{INSTANCE}/frames/1")
ROWS, COLUMNS = 300, 600
FRAMES = [bytes([number]) * 6 for number in range(1, 5)]


def grey_file(number: int = 1, *, frames: list[bytes] | None = None, **attributes: Any) -> bytes:
    """Return an image: a ramp from left to right, or frames of 2 rows and 3 columns."""
    data_set = make_data_set(number, **attributes)
    if frames is not None:
        return to_file(add_pixels(data_set, frames, rows=2, columns=3))
    ramp = np.tile(np.linspace(0, 255, COLUMNS).astype(np.uint8), ROWS).tobytes()
    return to_file(add_pixels(data_set, [ramp], rows=ROWS, columns=COLUMNS))


async def get(service: Service, path: str, query: str = "", **headers: str) -> Answer:
    """Ask for a resource with query parameters."""
    study, _, rest = path.partition("/")
    return await service.call(
        "dicomweb_retrieve",
        f"/dicomweb/studies/{path}?{query}",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        route={"study": study, "path": rest},
    )


def picture(answer: Answer, media_type: str) -> Any:
    """Return the picture of an answer, as an independent reader opens it."""
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    opened = Image.open(io.BytesIO(answer.body))
    opened.load()
    assert opened.format == media_type.removeprefix("image/").upper()
    return opened
