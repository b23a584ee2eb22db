"""Draw the pixels of a synthetic mammogram: air, skin, fat, glandular tissue, muscle, a mass, calcifications.

It shows no person and is no model of one: it gives viewers and renderers something breast-like to show.
It writes no DICOM; `mammography.py` does.
"""

import hashlib
import itertools
import math
import struct
from dataclasses import dataclass
from typing import Literal

ROWS = 1280
COLUMNS = 1024
BITS_STORED = 12

_CELL = 8  # pixels between two nodes of the tissue grid
_SKIN = 7  # pixels
_FAT = 900
_GLAND = 1500
_SKIN_VALUE = 1750
_MUSCLE = 2300
_CALCIFICATION = 3900
_OCTAVES = ((0.5, 210), (0.33, 110), (0.17, 56))  # weight, pixels between two lattice points
_LATTICE_WIDTH = 64  # points


@dataclass(frozen=True, slots=True)
class View:
    """One of the four views of a screening examination."""

    laterality: Literal["L", "R"]
    position: Literal["CC", "MLO"]

    @property
    def name(self) -> str:
        """Name the view as folders do: ``L__CC``."""
        return f"{self.laterality}__{self.position}"


VIEWS = (View("L", "CC"), View("L", "MLO"), View("R", "CC"), View("R", "MLO"))


def draw(view: View, seed: int) -> bytes:
    """Draw one view as it is hung: the chest wall of a left breast at the left edge, of a right one at the right.

    The same seed gives the same bytes on every machine: the arithmetic is exact, or rounded far from a tie.

    Args:
        view: Which breast, from which side.
        seed: Chooses texture and noise.

    Returns:
        ROWS x COLUMNS unsigned 16-bit little-endian values of BITS_STORED bits, row by row; air is 0.
    """
    rows = _tissue(view, seed)
    if view.laterality == "L":
        _add_mass(rows, view)
        _add_calcifications(rows, view, seed)
    else:
        for row in rows:
            row.reverse()
    return struct.pack(f"<{ROWS * COLUMNS}H", *itertools.chain.from_iterable(rows))


def _tissue(view: View, seed: int) -> list[list[int]]:
    """Interpolate the tissue grid to full size, and cut it at the skin."""
    nodes = [_widen(row) for row in _tissue_nodes(view, seed)]
    noise = _noise(seed, view)
    rows = []
    for y in range(ROWS):
        above, below = nodes[y // _CELL], nodes[y // _CELL + 1]
        lower = y % _CELL
        upper = _CELL - lower
        width = _skin_column(view, y)
        grain = noise[y * 619 % COLUMNS :]
        row = [
            (a * upper + b * lower) // _CELL + n for a, b, n in zip(above[:width], below, grain, strict=False)
        ]
        skin = min(_SKIN, width)
        row[width - skin :] = [_SKIN_VALUE + n for n in noise[:skin]]
        rows.append(row + [0] * (COLUMNS - width))
    return rows


def _skin_column(view: View, y: int) -> int:
    """Return how many pixels of a row lie between the chest wall and the air."""
    centre, half_height, depth = (640, 545, 690) if view.position == "CC" else (680, 560, 740)
    from_centre = (y - centre) / half_height
    outline = depth * math.sqrt(max(0.0, 1 - from_centre * from_centre))
    if view.position == "MLO":
        # The armpit stays on the image above the breast.
        outline = max(outline, 500 - 0.2 * y if y < centre else 0.0)
    from_nipple = (y - centre) / 34
    nipple = 26 * max(0.0, 1 - from_nipple * from_nipple)
    return min(COLUMNS, int(outline + nipple))


def _tissue_nodes(view: View, seed: int) -> list[list[int]]:
    """Give each node of the grid its value; the grid reaches one node beyond the last row and column."""
    rows, columns = ROWS // _CELL + 1, COLUMNS // _CELL + 1
    octaves = [(weight, size, _lattice(f"{seed} {view.name} {size}")) for weight, size in _OCTAVES]
    nodes = []
    for i in range(rows):
        y = i * _CELL
        skin = _skin_column(view, min(y, ROWS - 1))
        nodes.append([_node(view, j * _CELL, y, skin, octaves) for j in range(columns)])
    return nodes


def _node(view: View, x: int, y: int, skin: int, octaves: list[tuple[float, int, bytes]]) -> int:
    """Return the value of the tissue at a pixel: fat, more where glands are, less where the breast is thin."""
    texture = sum(weight * _lattice_value(lattice, x / size, y / size) for weight, size, lattice in octaves)
    depth, height = (x - 330) / 330, (y - 660) / 400
    glands = max(0.0, 1 - depth * depth - height * height)
    thickness = math.sqrt(min(1.0, max(0, skin - x) / 150))
    value = (_FAT + _GLAND * glands * max(0.0, 2.4 * texture - 0.7)) * thickness
    if view.position == "MLO":
        muscle = min(1.0, max(0.0, (400 - 0.52 * y - x) / 24))
        value += (_MUSCLE - (x + y) / 2 + 300 * texture - value) * muscle
    return int(value)


def _lattice(name: str) -> bytes:
    return hashlib.shake_256(name.encode()).digest(_LATTICE_WIDTH * _LATTICE_WIDTH)


def _lattice_value(lattice: bytes, x: float, y: float) -> float:
    """Interpolate a lattice of random bytes smoothly; 0 to 1."""
    column, row = int(x), int(y)
    right, down = x - column, y - row
    right *= right * (3 - 2 * right)
    down *= down * (3 - 2 * down)
    start = row * _LATTICE_WIDTH + column
    top = lattice[start] * (1 - right) + lattice[start + 1] * right
    start += _LATTICE_WIDTH
    bottom = lattice[start] * (1 - right) + lattice[start + 1] * right
    return (top * (1 - down) + bottom * down) / 255


def _widen(nodes: list[int]) -> list[int]:
    """Interpolate one row of the grid to COLUMNS values."""
    return [
        (left * (_CELL - k) + right * k) // _CELL
        for left, right in itertools.pairwise(nodes)
        for k in range(_CELL)
    ]


def _noise(seed: int, view: View) -> list[int]:
    """Return two rows of grain around 0."""
    drawn = hashlib.shake_256(f"{seed} {view.name} noise".encode()).digest(4 * COLUMNS)
    return [(a + b - 255) // 6 for a, b in itertools.batched(drawn, 2, strict=True)]


def _add_mass(rows: list[list[int]], view: View) -> None:
    """Add a dense, soft-edged, lobed mass about 80 pixels across."""
    centre_x, centre_y = (400, 520) if view.position == "CC" else (430, 600)
    for lobe_x, lobe_y, radius in ((0, 0, 36), (-18, 14, 26), (16, 18, 22), (12, -20, 20)):
        for y, x in itertools.product(range(-radius, radius + 1), repeat=2):
            inside = 1 - (x * x + y * y) / (radius * radius)
            if inside > 0:
                rows[centre_y + lobe_y + y][centre_x + lobe_x + x] += int(450 * inside)


def _add_calcifications(rows: list[list[int]], view: View, seed: int) -> None:
    """Set a cluster of bright specks of 3 x 3 pixels."""
    centre_x, centre_y = (300, 800) if view.position == "CC" else (330, 860)
    drawn = hashlib.shake_256(f"{seed} calcifications".encode()).digest(28)
    for right, down in itertools.batched(drawn, 2, strict=True):
        x, y = centre_x + right // 4, centre_y + down // 4
        for row in rows[y : y + 3]:
            row[x : x + 3] = [_CALCIFICATION] * 3
