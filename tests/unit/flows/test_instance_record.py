"""What the record of an instance says of who it is."""

from datetime import UTC, datetime

import orjson
import pytest
from pydicom.config import disable_value_validation
from pydicom.dataelem import DataElement

from shared.dicom.header import read_header
from shared.flows._instance_record import identify, make_record
from shared.records import ObjectKey, ObjectLocation, Source
from tests.unit.flows.builders import make_data_set, to_file


@pytest.mark.parametrize("tag", ["00080018", "0020000D", "0020000E"])
@pytest.mark.parametrize(
    ("vr", "value"), [("OB", b"1.20\0"), ("PN", "1.20"), ("DS", "1.20"), ("UT", " 1.20 ")]
)
async def test_the_metadata_names_the_instance_as_the_index_does(
    tag: str, vr: str, value: str | bytes
) -> None:
    """An identifying UID is a UID in the metadata too, whatever VR the file gives it: summaries are made of that."""
    data_set = make_data_set()
    with disable_value_validation():
        data_set[tag] = DataElement(int(tag, 16), vr, value)
    file = to_file(data_set, MediaStorageSOPInstanceUID="1.20")

    async def fetch(start: int, end: int) -> bytes:
        return file[start:end]

    header = await read_header(fetch, len(file))
    location = ObjectLocation(ObjectKey("images", "a"), '"1"', 0, len(file))
    record = make_record(header, identify(header), location, datetime.now(UTC), Source.EVENT)

    assert orjson.loads(record.metadata)[tag] == {"vr": "UI", "Value": ["1.20"]}
