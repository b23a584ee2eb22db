"""The sample files: what is in the repository and what is drawn, as a reader finds them."""

import io
from collections import Counter

from pydicom import dcmread

from client.sample_data import CASE_STUDY_INSTANCE_UID, TUTORIAL_STUDY_INSTANCE_UID, sample_files


def test_samples_are_two_studies_of_known_size() -> None:
    """What the start waits for is what is uploaded: three instances of the tutorial, four of the case."""
    studies = Counter(
        str(dcmread(io.BytesIO(content), stop_before_pixels=True).StudyInstanceUID)
        for content in sample_files().values()
    )

    assert studies == {TUTORIAL_STUDY_INSTANCE_UID: 3, CASE_STUDY_INSTANCE_UID: 4}


def test_tutorial_files_keep_their_names_and_size() -> None:
    """The shapes come out of the archive as Microsoft's tutorial has them."""
    sizes = {name: len(content) for name, content in sample_files().items() if name.startswith("tutorial/")}

    assert sizes == {
        "tutorial/blue-circle.dcm": 2894020,
        "tutorial/green-square.dcm": 2894022,
        "tutorial/red-triangle.dcm": 2894022,
    }
