"""What a page of a case must have drawn: an image at the chest wall's side of its place, as large as fits."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.async_api import Page

from tests.browser.pictures import Grey, grey_of_png

_CANVAS = "view => document.querySelector(`[data-view=${view}] canvas`).toDataURL('image/png').split(',')[1]"


def windowed(values: NDArray[Any], center: float, width: float) -> Grey:
    """Return values as a linear window shows them, from 0 to 1. Source: PS3.3 2024e §C.11.2.1.2.1."""
    shown: Grey = np.clip((values.astype(np.float64) - (center - 0.5)) / (width - 1) + 0.5, 0, 1)
    return shown


def difference(expected: Grey, canvas: Grey, *, at_right: bool) -> float:
    """Return how far apart a canvas and an image hung on it are: the mean over all pixels, of 1."""
    height, width = canvas.shape
    rows, columns = expected.shape
    scale = min(height / rows, width / columns)
    size = round(columns * scale), round(rows * scale)
    scaled = Image.fromarray((expected * 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)
    whole = Image.new("L", (width, height))
    whole.paste(scaled, (width - size[0] if at_right else 0, round((height - size[1]) / 2)))
    return float(np.abs(np.asarray(whole, np.float64) / 255 - canvas).mean())


async def canvas_of(page: Page, view: str) -> Grey:
    """Return what a view has drawn."""
    return grey_of_png(base64.b64decode(await page.evaluate(_CANVAS, view)))


async def states(page: Page) -> dict[str, str]:
    """Return what each view says that it has drawn; those that have drawn nothing yet are left out."""
    said: dict[str, str] = await page.evaluate(
        "() => Object.fromEntries([...document.querySelectorAll('[data-drawn]')]"
        ".map(figure => [figure.dataset.view, figure.dataset.drawn]))"
    )
    return said


def png_of(data: bytes) -> NDArray[Any]:
    """Return the pixels of a PNG as they are."""
    return np.asarray(Image.open(io.BytesIO(data)))
