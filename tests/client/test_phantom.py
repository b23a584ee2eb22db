"""The phantom's pixels: the same for one seed, of 12 bits, hung as a reader expects."""

import hashlib
import struct
from collections.abc import Callable
from functools import cache

import pytest

from client.phantom import COLUMNS, ROWS, VIEWS, View, draw

SEED = 1
type Rows = list[tuple[int, ...]]


@cache
def rows_of(view: View) -> Rows:
    """Draw a view once for all tests, as rows of values."""
    row = struct.Struct(f"<{COLUMNS}H")
    return list(row.iter_unpack(draw(view, SEED)))


def each_view(test: Callable[[View], None]) -> Callable[[View], None]:
    """Run a test for each of the four views."""
    return pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)(test)


def test_one_seed_gives_the_same_pixels_on_every_machine() -> None:
    """The pixels of seed 1 are those that were first drawn."""
    digest = hashlib.sha256(draw(VIEWS[1], SEED)).hexdigest()

    assert digest == "ff600c6ebd5bd09265c0138f4e72bcb3ad2c58f001f9595a87570f897375d87a"


def test_another_seed_gives_other_pixels() -> None:
    """The seed changes the texture."""
    assert draw(VIEWS[0], SEED) != draw(VIEWS[0], SEED + 1)


@each_view
def test_values_fit_in_twelve_bits(view: View) -> None:
    """No value needs a thirteenth bit, and air is 0."""
    values = {value for row in rows_of(view) for value in row}

    assert min(values) == 0
    assert max(values) < 1 << 12


@each_view
def test_the_chest_wall_is_where_the_view_is_hung(view: View) -> None:
    """Tissue touches the left edge for a left breast and the right edge for a right one; the other edge is air."""
    middle = rows_of(view)[ROWS // 2]
    chest_wall, air = (middle[0], middle[-1]) if view.laterality == "L" else (middle[-1], middle[0])

    assert chest_wall > 0
    assert air == 0


@each_view
def test_muscle_shows_in_the_oblique_views_only(view: View) -> None:
    """The upper corner at the chest wall is bright in MLO and air in CC."""
    corner = rows_of(view)[20][20 if view.laterality == "L" else COLUMNS - 21]

    assert (corner > 2000) == (view.position == "MLO")
    assert (corner == 0) == (view.position == "CC")


@each_view
def test_calcifications_are_in_the_left_breast_only(view: View) -> None:
    """The report says so: specks brighter than anything else, in both views of the left breast."""
    specks = sum(value > 3500 for row in rows_of(view) for value in row)

    assert (specks > 50) == (view.laterality == "L")
    assert (specks == 0) == (view.laterality == "R")
