"""What may be written as a clinical case. Stores nothing."""

import hashlib
import re
from typing import Final

from shared.errors import InvalidRequestError, PayloadTooLargeError

_YEAR: Final = re.compile(r"[0-9]{4}", re.ASCII)
_CASE_ID: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffd]{1,128}")
"""U+FFFD stands for whatever could not be decoded, so two ids might look like one."""
MAX_REPORT: Final = 32_000
"""Characters; a property of a table row holds 32 Ki of them."""


def check_case(year: str, case_id: str) -> None:
    """Refuse a year or an id that no case can have here.

    Raises:
        InvalidRequestError: The year is not four digits, or the id is empty, long, has control characters or is not UTF-8.
    """
    if _YEAR.fullmatch(year) is None:
        raise InvalidRequestError("the year of a case is four digits")
    if _CASE_ID.fullmatch(case_id) is None:
        raise InvalidRequestError(
            "the id of a case is 1 to 128 characters in UTF-8, without control characters"
        )


def check_report(text: str) -> None:
    """Refuse a report that cannot be kept as it is.

    Raises:
        PayloadTooLargeError: It is too long.
        InvalidRequestError: It has a character that tables do not keep.
    """
    try:
        length = len(text.encode("utf-16-le")) // 2
    except UnicodeEncodeError:
        raise InvalidRequestError("a report has no half characters (lone surrogates)") from None
    if length > MAX_REPORT:
        raise PayloadTooLargeError(f"a report has at most {MAX_REPORT} characters")
    if "\0" in text:
        raise InvalidRequestError("a report has no null characters")


def report_etag(text: str) -> str:
    """Return the ETag of a report, without quotes."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
