"""Rows by which studies are found without reading the others: their keys and their contents. Does no searching.

Every lookup row of a study holds the whole search row, so that an answer is one query. Rows are keyed by date
(inverted: newer sorts first), and, as keyed hashes, by patient, accession number and the words of the patient's name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from shared.backends.azure_table import keys
from shared.dicom.person_names import name_words
from shared.dicom.references import InstanceRef, SeriesRef, StudyRef
from shared.dicom.search_order import NO_DAY, inverted_day
from shared.records import Json

TABLE = "lookups"
INSTANCE_TABLE = "instancelookups"
"""By SOP UID, a row an instance: apart, for the others are a few a study and are what searches read."""

DATE, PATIENT, ACCESSION, NAME, SERIES, SOP = "date", "patient", "accession", "name", "series", "sop"

STUDY_DATE, ACCESSION_NUMBER = "00080020", "00080050"
PATIENT_NAME, PATIENT_ID = "00100010", "00100020"

_MAX_NAME_WORDS = 16
_MAX_VALUES = 16
_MAX_ATTRIBUTE_CHARACTERS = 1024
_MAX_ROW_BYTES = 48 * 1024
"""Of UTF-16, as Azure counts; a property may have 64 KiB, of which tags and emptied attributes take some."""


def first_value(row: Mapping[str, Any], tag: str) -> str:
    """Return the first value of an attribute of DICOM JSON as text, "" if there is none; not for person names."""
    values = row.get(tag, {}).get("Value") or [""]
    return "" if values[0] is None else str(values[0])


def _texts(row: Mapping[str, Any], tag: str) -> list[str]:
    """Return the distinct values of an attribute that should have one, but may have been written with several."""
    values = row.get(tag, {}).get("Value") or []
    # A file may give the attribute any VR, so a value may be a name or an item: nobody searches for that.
    texts = (str(value) for value in values if isinstance(value, str | int | float))
    return list(dict.fromkeys(text for text in texts if text))[:_MAX_VALUES]


def words_of_name(row: Mapping[str, Any]) -> list[str]:
    """Return the words of the patient's name, of all its component groups, the first sixteen."""
    words: dict[str, None] = {}
    for name in row.get(PATIENT_NAME, {}).get("Value") or []:
        if isinstance(name, Mapping):
            for group in name.values():
                words |= dict.fromkeys(name_words(str(group)))
    return list(words)[:_MAX_NAME_WORDS]


def bounded(attributes: Json) -> Json:
    """Return a search row that fits a table property: the values that are too long stand there empty.

    Too long is a value of over a KiB, which nobody searches for, and of a row that is still too long the longest.
    """
    sizes = {
        tag: len(orjson.dumps(element).decode().encode("utf-16-le")) for tag, element in attributes.items()
    }
    excess = sum(sizes.values()) - _MAX_ROW_BYTES
    emptied: set[str] = set()
    for tag in sorted(sizes, key=lambda tag: (-sizes[tag], tag)):
        if sizes[tag] <= 2 * _MAX_ATTRIBUTE_CHARACTERS and excess <= 0:
            break
        emptied.add(tag)
        excess -= sizes[tag]
    return {tag: {"vr": element["vr"]} if tag in emptied else element for tag, element in attributes.items()}


class LookupKeys:
    """The keys of one data partition's lookup rows.

    Args:
        partition: The data partition.
        secret: What patients' data is hashed with.
    """

    def __init__(self, partition: str, secret: bytes) -> None:
        self.partition = partition
        self._secret = secret

    def _hashed(self, kind: str, value: str) -> str:
        return keys.lookup_key(self.partition, kind, keys.token(self._secret, value))

    def patient(self, patient_id: str) -> str:
        """Return the partition key of a patient's studies."""
        return self._hashed(PATIENT, patient_id)

    def accession(self, accession_number: str) -> str:
        """Return the partition key of an accession number's studies."""
        return self._hashed(ACCESSION, accession_number)

    def name(self, word: str) -> str:
        """Return the partition key of the studies with this word, folded, in the patient's name."""
        return self._hashed(NAME, word)

    def date(self, study_date: str) -> tuple[str, str]:
        """Return the partition key and the beginning of the row key of a date's studies (YYYYMMDD, else none)."""
        day = inverted_day(study_date)
        return self.day(day), day

    def day(self, day: str) -> str:
        """Return the partition key of the studies of a day as `inverted_day` has it."""
        return keys.lookup_key(self.partition, DATE, NO_DAY if day == NO_DAY else day[:4])

    def series(self, ref: SeriesRef) -> tuple[str, str]:
        """Return the keys of the row that leads from a series to its study."""
        return self.series_partition(
            ref.series_instance_uid
        ), f"{ref.series_instance_uid}!{ref.study_instance_uid}"

    def series_partition(self, series_instance_uid: str) -> str:
        """Return the partition key of the rows that lead from a series to its study."""
        return keys.lookup_key(self.partition, SERIES, keys.hex_of(series_instance_uid, 2))

    def instance(self, ref: InstanceRef) -> tuple[str, str]:
        """Return the keys of the row that leads from a SOP instance to its series."""
        row_key = f"{ref.sop_instance_uid}!{ref.study_instance_uid}!{ref.series_instance_uid}"
        return keys.sop_shard(self.partition, ref.sop_instance_uid), keys.checked(row_key)

    def of_study(self, ref: StudyRef, row: Json) -> Iterator[tuple[str, str]]:
        """Yield the keys under which a study with this search row is found."""
        date_key, inverted = self.date(first_value(row, STUDY_DATE))
        row_key = keys.checked(f"{inverted}!{ref.study_instance_uid}")
        yield date_key, row_key
        for patient_id in _texts(row, PATIENT_ID):
            yield self.patient(patient_id), row_key
        for accession_number in _texts(row, ACCESSION_NUMBER):
            yield self.accession(accession_number), row_key
        for word in words_of_name(row):
            yield self.name(word), row_key
