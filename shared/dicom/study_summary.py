"""What a series and a study add up to: their rows for searching, and their counts. It reads no index.

Where instances of a study disagree, such as on the patient's name, the one with the least UID that has a value
decides: so the rows depend on which instances there are, never on the order in which they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.dicom.attributes import REQUIRED, has_value, series_attributes, study_attributes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.dicom.query import Level

_MODALITY = "00080060"
_MODALITIES_IN_STUDY = "00080061"
_SERIES_IN_STUDY = "00201206"
_INSTANCES_IN_STUDY = "00201208"
_INSTANCES_IN_SERIES = "00201209"


def merge_series(instances: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row of a series: its attributes, those of its study, and how many instances it has.

    Args:
        instances: DICOM JSON of its instances, each of another SOP Instance UID; read once, in any order.
    """
    merged = _Merge("00080018", lambda instance: study_attributes(instance) | series_attributes(instance))
    for instance in instances:
        merged.add(instance)
    row = merged.row("study", "series")
    row[_INSTANCES_IN_SERIES] = {"vr": "IS", "Value": [merged.count]}
    return dict(sorted(row.items()))


def merge_study(series_rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the row of a study: its attributes, modalities (in alphabetical order) and counts.

    Args:
        series_rows: The rows of its series as merge_series made them; read once, in any order.
    """
    merged = _Merge("0020000E", study_attributes)
    modalities: set[str] = set()
    instances = 0
    for series in series_rows:
        merged.add(series)
        modalities.update(str(value) for value in series.get(_MODALITY, {}).get("Value", ()) if value)
        instances += sum(series[_INSTANCES_IN_SERIES]["Value"])
    row = merged.row("study")
    row[_MODALITIES_IN_STUDY] = {"vr": "CS", "Value": sorted(modalities)} if modalities else {"vr": "CS"}
    row[_SERIES_IN_STUDY] = {"vr": "IS", "Value": [merged.count]}
    row[_INSTANCES_IN_STUDY] = {"vr": "IS", "Value": [instances]}
    return dict(sorted(row.items()))


class _Merge:
    """Keeps of each attribute the value of the row with the least UID, so that rows need not be held."""

    def __init__(self, uid_tag: str, pick: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self.count = 0
        self._uid_tag = uid_tag
        self._pick = pick
        self._kept: dict[str, tuple[str, Any]] = {}

    def add(self, row: Mapping[str, Any]) -> None:
        self.count += 1
        uid = str(row[self._uid_tag]["Value"][0])
        for tag, attribute in self._pick(row).items():
            kept = self._kept.get(tag)
            if has_value(attribute) and (kept is None or uid < kept[0]):
                self._kept[tag] = (uid, attribute)

    def row(self, *levels: Level) -> dict[str, Any]:
        required = {
            tag: {"vr": attribute.vr} for level in levels for tag, attribute in REQUIRED[level].items()
        }
        return required | {tag: attribute for tag, (_, attribute) in self._kept.items()}
