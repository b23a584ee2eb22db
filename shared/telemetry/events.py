"""Log events: a constant name and facts from an allow-list, so that no patient's data can reach a log.

UIDs are logged: they are how an object is found again. Attribute values, request bodies and object names (which people
make of patients' names) are not.
"""

import logging
from collections.abc import Mapping
from typing import Any

FIELDS = frozenset(
    {
        "action",
        "batch",
        "code",
        "container",
        "count",
        "duration_ms",
        "error",
        "kind",
        "operation_id",
        "outcome",
        "partition",
        "queue",
        "reason",
        "series_instance_uid",
        "size_bytes",
        "sop_instance_uid",
        "status",
        "study_instance_uid",
    }
)


def event(logger: logging.Logger, message: str, *, level: int = logging.INFO, **facts: Any) -> None:
    """Log *message*, a constant, with *facts*.

    Raises:
        TypeError: A fact is not in FIELDS; add it there only if it can never hold a patient's data.
    """
    check_facts(facts)
    if logger.isEnabledFor(level):
        text = " ".join(f"{name}={value}" for name, value in facts.items())
        logger.log(
            level, "%s %s", message, text, extra={f"dicom_{name}": value for name, value in facts.items()}
        )


def check_facts(facts: Mapping[str, Any]) -> None:
    """Refuse what might hold a patient's data.

    Raises:
        TypeError: A fact is not in FIELDS.
    """
    unknown = facts.keys() - FIELDS
    if unknown:
        raise TypeError(f"not an allowed log field: {', '.join(sorted(unknown))}")
