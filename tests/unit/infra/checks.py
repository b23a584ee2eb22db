"""All checks of infra/, in the order in which their messages help most."""

from collections.abc import Callable, Iterator
from typing import Final

from tests.unit.infra import check_app, check_files, check_grants, check_storage
from tests.unit.infra.infrastructure import Infrastructure

type Check = Callable[[Infrastructure], Iterator[str]]

CHECKS: Final[tuple[Check, ...]] = (
    check_files.templates_can_be_read,
    check_files.host_json_is_valid,
    check_files.package_holds_the_app,
    check_files.sample_settings_are_known,
    check_files.azd_finds_the_app,
    check_files.every_module_is_used,
    check_files.parameter_files_agree,
    check_storage.queues_are_there,
    check_storage.containers_are_there,
    check_storage.tables_are_there,
    check_storage.developers_have_the_same,
    check_storage.accounts_are_closed,
    check_storage.blobs_can_be_had_back,
    check_app.plan_is_flex_consumption,
    check_app.scaling_names_functions,
    check_app.connections_are_set,
    check_app.settings_are_known,
    check_app.nothing_forbidden_is_set,
    check_app.secrets_stay_in_the_vault,
    check_app.bodies_are_refused_by_the_app,
    check_app.app_is_closed,
    check_app.telemetry_is_closed,
    check_grants.events_reach_the_queue,
    check_grants.roles_are_granted,
    check_grants.roles_come_first,
    check_grants.alerts_are_raised,
)


def first_problems(infra: Infrastructure) -> list[str]:
    """Return what the first check that finds anything finds: later ones may not even be able to look."""
    for check in CHECKS:
        if problems := list(check(infra)):
            return problems
    return []
