"""Beside dentdeid, which was written by others from the same table: each difference has a reason."""

import copy
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest
from dentdeid.dicom.meta import MetaConfig, deidentify_dataset
from dentdeid.keys import Pseudonymizer

from shared.dicom.deidentification.profile import Profile
from shared.dicom.deidentification.table import attribute_row
from tests.unit.dicom.deidentification.canaries import SECRET, rewritten
from tests.unit.dicom.deidentification.test_validity import instances
from tests.unit.dicom.dicom_files import bundled, pydicom_data_set, quiet

type Path = tuple[int, ...]
"""Tags and item numbers from the data set down."""
type Difference = tuple[str, str]
"""What this engine did, what dentdeid did: absent, empty, same, other, kept (a sequence), new."""

KEPT_HERE = {
    0x00080060: "its text scrubber took Modality for a part of the patient's name",
    0x00080070: "its text scrubber changed Manufacturer, which the table does not list",
    0x00081090: "its text scrubber changed ManufacturerModelName, which the table does not list",
    0x00181020: "its text scrubber changed SoftwareVersions, which the table does not list",
    0x00185020: "its text scrubber changed ProcessingFunction, which the table does not list",
    0x00282000: "it puts another ICC profile in the place of any",
    0x54001010: "it removes all binary values but pixels, so the waveform too",
    0x00640009: "it removes all binary values but pixels, so the deformation grid too",
}
DUMMY_SEQUENCES = {0x0040A730, 0x0040A073, 0x0040B020}
"""Listed as D: here their items stay with dummies in them, there one empty item stays or none."""


def flat(data_set: pydicom.Dataset, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every element's path and value; of a sequence how many items it has."""
    for element in data_set:
        here = (*path, int(element.tag))
        if element.VR != "SQ":
            yield here, ("value", element.value)
            continue
        yield here, ("items", len(element.value))
        for number, item in enumerate(element.value):
            yield from flat(item, (*here, number))


def state(before: Any, after: Any) -> str:
    """Return what became of an element."""
    if before is None or after is None:
        return "absent" if after is None else "new"
    kind, value = after
    if kind == "items":
        return "kept" if value else "empty"
    if value is None or (hasattr(value, "__len__") and len(value) == 0):
        return "empty"
    return "same" if str(value) == str(before[1]) else "other"


def reason(path: Path, difference: Difference) -> str | None:
    """Return why the two differ there, or None if that is not known."""
    tags = [part for part in path if part > 0xFFFF]
    tag = tags[-1]
    row = attribute_row(tag)
    basic = "" if row is None else row.basic
    ours, theirs = difference
    reasons = {
        "group lengths are not written here": not tag & 0xFFFF,
        "items of a dummy sequence stay here, with dummies": bool(DUMMY_SEQUENCES & set(tags)),
        KEPT_HERE.get(tag, ""): tag in KEPT_HERE and ours in ("same", "empty"),
        "it adds empty attributes of Type 2, here nothing is added but the marks": theirs == "new",
        "of a compound action, the one that preserves presence is taken here": (
            "/" in basic and theirs in ("absent", "empty") and ours in ("empty", "other")
        ),
        "Z: a pseudonym or nothing, both are right": basic == "Z" and difference == ("other", "empty"),
        "a value that repeats the patient's name: a dummy here, nothing there": (
            row is None and difference == ("other", "empty")
        ),
        "it makes a pseudonym of nothing too": "Z" in basic and difference == ("empty", "other"),
    }
    return next((text for text, applies in reasons.items() if applies), None)


@pytest.mark.parametrize("name", instances())
async def test_agrees_with_dentdeid_or_says_why_not(name: str) -> None:
    """Every element of every bundled file, at every depth."""
    data = bundled(name)
    out, _ = await rewritten(data, Profile())
    before, ours = pydicom_data_set(data), pydicom_data_set(out)
    theirs = copy.deepcopy(before)
    with quiet():
        deidentify_dataset(theirs, MetaConfig(), Pseudonymizer(SECRET))
        was, here, there = (dict(flat(data_set)) for data_set in (before, ours, theirs))

    unexplained = []
    for path in {**was, **here, **there}:
        difference = (
            state(was.get(path), here.get(path)),
            state(was.get(path), there.get(path)),
        )
        if difference[0] != difference[1] and reason(path, difference) is None:
            unexplained.append(([f"{part:08X}" for part in path], difference))
    assert unexplained == []
