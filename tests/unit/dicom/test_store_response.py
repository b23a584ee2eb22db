"""Answers to store requests: status and data set for every mix of outcomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from shared import errors
from shared.dicom.store_response import (
    FailedInstance,
    FailureReason,
    StoredInstance,
    StoreOutcome,
    WarningReason,
    failure_reason,
    store_response,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
STUDY_URL = "https://host/dicomweb/studies/1.2.3"
STORED = StoredInstance(CT, "1.2.3.4.5", f"{STUDY_URL}/series/1.2.3.4/instances/1.2.3.4.5")
WARNED = StoredInstance(CT, "1.2.3.4.6", "u", WarningReason.DATA_SET_MISMATCH, ("(0008,0020) is no date",))
FAILED = FailedInstance(FailureReason.ALREADY_EXISTS, "already stored", CT, "1.2.3.4.9")
UNREADABLE = FailedInstance(FailureReason.PROCESSING_FAILURE, "not a DICOM file")


def test_an_answer_has_the_shape_of_the_azure_service() -> None:
    """One stored with a warning and one refused make exactly the data set that clients of that service parse."""
    stored = StoredInstance(
        CT, "1.2.3.4.5", "https://host/i", WarningReason.AZURE_VALIDATION, ("DICOM100: no date",)
    )
    status, answer = store_response([stored, FAILED], study_url=STUDY_URL)
    assert status == 202
    assert answer == {
        "00081190": {"vr": "UR", "Value": [STUDY_URL]},
        "00081198": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": ["1.2.3.4.9"]},
                    "00081197": {"vr": "US", "Value": [45070]},
                    "00741048": {
                        "vr": "SQ",
                        "Value": [{"00000902": {"vr": "LO", "Value": ["already stored"]}}],
                    },
                }
            ],
        },
        "00081199": {
            "vr": "SQ",
            "Value": [
                {
                    "00081150": {"vr": "UI", "Value": [CT]},
                    "00081155": {"vr": "UI", "Value": ["1.2.3.4.5"]},
                    "00081190": {"vr": "UR", "Value": ["https://host/i"]},
                    "00081196": {"vr": "US", "Value": [1]},
                    "00741048": {
                        "vr": "SQ",
                        "Value": [{"00000902": {"vr": "LO", "Value": ["DICOM100: no date"]}}],
                    },
                }
            ],
        },
    }


@pytest.mark.parametrize(
    ("outcomes", "status", "tags"),
    [
        ([STORED], 200, {"00081190", "00081199"}),
        ([STORED, STORED], 200, {"00081190", "00081199"}),
        ([WARNED], 202, {"00081190", "00081199"}),
        ([STORED, WARNED], 202, {"00081190", "00081199"}),
        ([STORED, FAILED], 202, {"00081190", "00081198", "00081199"}),
        ([FAILED], 409, {"00081198"}),
        ([FAILED, UNREADABLE], 409, {"00081198"}),
    ],
)
def test_status_and_sequences_follow_the_outcomes(
    outcomes: list[StoreOutcome], status: int, tags: set[str]
) -> None:
    """A sequence without items is absent, and the study has no URL if nothing of it was stored."""
    answered, answer = store_response(outcomes, study_url=STUDY_URL)
    assert status == answered
    assert answer is not None
    assert tags == set(answer)


def test_nothing_to_store_has_no_answer() -> None:
    """A request without parts is 204 without a body."""
    assert store_response([], study_url=STUDY_URL) == (204, None)


def test_a_request_for_no_study_gets_no_study_url() -> None:
    """Only instances have URLs then."""
    _, answer = store_response([STORED])
    assert answer is not None
    assert {"00081199"} == set(answer)
    assert [STORED.retrieve_url] == answer["00081199"]["Value"][0]["00081190"]["Value"]


def test_what_could_not_be_read_is_not_named() -> None:
    """An instance without readable UIDs has a reason and a text, no empty UIDs."""
    _, answer = store_response([UNREADABLE])
    assert answer is not None
    assert {"00081197", "00741048"} == set(answer["00081198"]["Value"][0])


outcomes_of_any_kind = st.lists(st.sampled_from([STORED, WARNED, FAILED, UNREADABLE]), min_size=1, max_size=8)


@given(outcomes_of_any_kind)
def test_every_instance_is_answered_once_and_pydicom_reads_it(outcomes: list[StoreOutcome]) -> None:
    """The data set is DICOM JSON with one item an instance, in the order sent, tags ascending."""
    _, answer = store_response(outcomes, study_url=STUDY_URL)
    assert answer is not None
    dataset = Dataset.from_json(answer)
    stored = [outcome.sop_instance_uid for outcome in outcomes if isinstance(outcome, StoredInstance)]
    reasons = [outcome.reason for outcome in outcomes if isinstance(outcome, FailedInstance)]
    assert stored == [item.ReferencedSOPInstanceUID for item in dataset.get("ReferencedSOPSequence", [])]
    assert reasons == [item.FailureReason for item in dataset.get("FailedSOPSequence", [])]
    items = [item for sequence in answer.values() for item in sequence["Value"] if isinstance(item, dict)]
    assert all(list(item) == sorted(item) for item in [answer, *items])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotDicomError("x"), 272),
        (errors.BackendUnavailableError("x"), 42752),
        (errors.PayloadTooLargeError("x"), 42752),
        (errors.MissingAttributeError("x"), 43264),
        (errors.InvalidAttributeError("x"), 43264),
        (errors.InvalidUidError("x"), 43264),
        (errors.ObjectExistsError("x"), 45070),
        (errors.ConcurrentChangeError("x"), 45071),
        (errors.ObjectChangedError("x"), 45071),
        (errors.DamagedDicomError("x"), 49152),
        (errors.UnsupportedObjectError("x"), 290),
        (errors.SettingsError("x"), 272),
    ],
)
def test_an_error_has_the_reason_code_of_its_kind(error: errors.AppError, code: int) -> None:
    """Each way of failing is told by the number that the standard or the Azure service has for it."""
    assert code == failure_reason(error)


def test_codes_are_those_of_the_standard() -> None:
    """The block of a code says what kind of failure it is (PS3.18 I.2.2)."""
    named = {reason.name: int(reason) for reason in FailureReason}
    assert named == {
        "PROCESSING_FAILURE": 0x0110,
        "SOP_CLASS_NOT_SUPPORTED": 0x0122,
        "OUT_OF_RESOURCES": 0xA700,
        "VALIDATION_FAILED": 0xA900,
        "STUDY_MISMATCH": 0xA901,
        "ALREADY_EXISTS": 0xB00E,
        "BEING_CREATED": 0xB00F,
        "CANNOT_UNDERSTAND": 0xC000,
        "TRANSFER_SYNTAX_NOT_SUPPORTED": 0xC122,
    }
