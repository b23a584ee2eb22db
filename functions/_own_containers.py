"""Keep requests from writing where the archive itself writes."""

import re
from typing import Final

from shared.errors import InvalidRequestError
from shared.settings.settings import Settings

_NAME: Final = re.compile(r"[a-z0-9](?:-?[a-z0-9]){2,62}")
_OF_THE_HOST: Final = "azure-webjobs-"


def check_foreign_container(container: str, parameter: str, settings: Settings) -> None:
    """Refuse the name of a container that is none, is the archive's or the host's own, or from which nothing is deleted.

    Raises:
        InvalidRequestError: It is one of these.
    """
    own = (
        settings.archive_container,
        settings.derived_container,
        settings.rejected_container,
        settings.quarantine_container,
        settings.sessions_container,
        settings.audit_container,
        *settings.read_only_containers,
    )
    if _NAME.fullmatch(container) is None or container in own or container.startswith(_OF_THE_HOST):
        raise InvalidRequestError(f"{parameter} must name a container of yours, none of the archive's own")
