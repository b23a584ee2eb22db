"""Where audit messages go. It writes them as they are."""

import logging
from typing import Final, Protocol

LOGGER: Final = "dicom.audit"
"""A stream of its own: what collects logs can send it where others may not read."""

_log = logging.getLogger(LOGGER)
# Whatever level the host sets for others: an audit message is no detail.
_log.setLevel(logging.INFO)


class AuditTrail(Protocol):
    """Takes audit messages, in their order."""

    def write(self, line: str) -> None:
        """Take a message; it may be written a moment later."""
        ...


class LogTrail:
    """The logger `dicom.audit`."""

    def write(self, line: str) -> None:
        """Log a message, and nothing else on its line."""
        _log.info("%s", line)
