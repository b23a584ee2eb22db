"""infra/ keeps to Azure's resource types, where their checker is at hand; the header of a test run says whether it is."""

import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.unit.infra.infrastructure import ROOT
from tests.unit.infra.mutations import Mutation
from tests.unit.infra.types_of_azure import checker, run_checker

_APP: Final = "modules/app.bicep"
_DATA: Final = "modules/data.bicep"
MISTAKES: Final = (
    Mutation("a property misspelt", _DATA, "allowSharedKeyAccess:", "allowSharedKeysAccess:", "allowSharedKeysAccess"),
    Mutation("a version that there is not", _APP, "Microsoft.Web/sites@2025-03-01' = {", "Microsoft.Web/sites@2025-03-02' = {", "2025-03-02"),
    Mutation("a value that there is not", _DATA, "accessTier: 'Hot'", "accessTier: 'Warm'", "Warm"),
    Mutation("a kind misspelt", "modules/events.bicep", "endpointType: 'StorageQueue'", "endpointType: 'StorageQueues'", "StorageQueues"),
    Mutation("text for a number", "modules/alerts.bicep", "          threshold: 5\n", "          threshold: '5'\n", "threshold"),
    Mutation("what is needed left out", "modules/budget.bicep", "    timeGrain: 'Monthly'\n", "", "timeGrain"),
    Mutation("what Azure fills in", "modules/identity.bicep", "  tags: tags\n", "  tags: tags\n  properties: {\n    clientId: name\n  }\n", "clientId"),
    Mutation("beyond a limit", _DATA, "days: retentionDays", "days: 900", "900"),
    Mutation("an output that there is not", "main.bicep", "storage.outputs.topicName", "storage.outputs.topic", "topic"),
    Mutation("a parameter that there is not", "main.bicep", "    dailyCapGb: dailyCapGb\n", "    dailyCap: dailyCapGb\n", "dailyCap"),
    Mutation("a parameter that nobody reads", _APP, "param zoneRedundant bool\n", "param zoneRedundant bool\nparam spare bool = false\n", "spare"),
    Mutation("a child without its parent", _APP, "  parent: app\n  name: 'ftp'\n", "  name: 'ftp'\n", "ftp"),
    Mutation("a module at another scope", "main.bicep", "module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {\n  name: 'budget'\n  scope: group\n", "module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {\n  name: 'budget'\n", "scope"),
    Mutation("a function that there is not", "main.bicep", "uniqueString(", "uniqueText(", "uniqueText"),
)  # fmt: skip

if checker() is not None:

    def test_templates_keep_to_the_types_of_azure() -> None:
        """Types, versions, properties, values, scopes, and what modules take and give."""
        status, said = run_checker("check_bicep.py", ROOT / "infra")

        assert said.rstrip().endswith(" 0 errors")
        assert status == 0

    def test_host_json_keeps_to_its_schema() -> None:
        """The checker has a copy of the schema of its own."""
        assert run_checker("check_host.py", ROOT / "host.json")[0] == 0

    @pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
    def test_mistakes_in_types_are_noticed(mistake: Mutation, tmp_path: Path) -> None:
        """What only Azure's own types can tell of is told of."""
        shutil.copytree(ROOT / "infra", tmp_path / "infra")
        file = tmp_path / "infra" / mistake.file
        before = file.read_text()
        file.write_text(before.replace(mistake.old, mistake.new))

        assert mistake.old in before, "the edit has nothing to change any more; write it anew"
        status, said = run_checker("check_bicep.py", tmp_path / "infra")
        assert status == 1, said
        assert mistake.told in said
