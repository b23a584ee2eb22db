"""What a data partition may be called. It knows no partitions."""

import re
from typing import Final

from shared.errors import InvalidRequestError

_NAME: Final = re.compile(r"[0-9A-Za-z._-]{1,64}", re.ASCII)


def validate_partition_name(name: str) -> str:
    """Return *name*, or raise InvalidRequestError: as in the Azure DICOM service it has up to 64 letters, digits, ._-.

    Names of dots alone are refused too, for they become folders of object names.
    """
    if _NAME.fullmatch(name) is None or not name.strip("."):
        raise InvalidRequestError(
            "a data partition's name has 1 to 64 letters, digits, dots, hyphens and underscores"
        )
    return name
