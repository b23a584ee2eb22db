"""What infra/ would deploy is what the app needs. Nothing of it was deployed: docs/deploying.md says what that leaves open."""

from pathlib import Path

import pytest

from tests.unit.infra.checks import CHECKS, Check
from tests.unit.infra.infrastructure import Infrastructure


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_infrastructure_holds_what_the_app_needs(check: Check, infrastructure: Infrastructure) -> None:
    """Each problem says what to add, and to which file."""
    assert list(check(infrastructure)) == []


def test_app_declares_what_it_has(infrastructure: Infrastructure) -> None:
    """The comparison is not an empty one: indexing the app found its functions, queues, containers and tables."""
    declared = infrastructure.declared

    assert {
        "blob_event",
        "summarise_study",
        "reindex",
        "update_search",
        "health",
    } <= declared.functions.keys()
    assert {"study-changed", "deidentify"} <= declared.queues
    assert {"archive", "rejected"} <= declared.containers
    assert {"objects", "instances", "report"} <= declared.tables
    assert Path(infrastructure.folder, "infra/main.bicep").is_file()
