"""What the checks look at: the folder as it is deployed, three deployments in miniature, and what the app declares."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from tests.unit.infra.deployment import Deployment, Resource, deploy, read_parameters

ROOT: Final = Path(__file__).parents[3]
AZD: Final = {"AZURE_ENV_NAME": "archive", "AZURE_LOCATION": "westeurope"}
SECRETS: Final = {
    "elasticsearchApiKey": "key-of-the-search-index",
    "deidentifySecret": "secret-of-the-pseudonyms",
}
EVERYTHING: Final[Mapping[str, Any]] = {
    "watchedContainers": ["images", "inbox"],
    "alertEmail": "operators@example.org",
    "access": "entra",
    "entraTenant": "11111111-2222-3333-4444-555555555555",
    "entraAudiences": "api://archive",
    "corsOrigins": "https://viewer.example",
    "privateNetwork": True,
    "azureDicomService": True,
    "viewerWebsite": True,
    "elasticsearchUrl": "https://search.example",
    "upstreamUrl": "https://pacs.example",
    "extraSettings": {"DICOM_RISK_LIMIT": "high"},
    "monthlyBudget": 100,
    "coolAfterDays": 30,
    **SECRETS,
}
"""Every option at once, on top of the small archive."""


@dataclass(frozen=True)
class Declared:
    """What the app expects: bindings by function, and names of what has to be there."""

    functions: Mapping[str, list[dict[str, Any]]]
    queues: frozenset[str]
    containers: frozenset[str]
    tables: frozenset[str]

    @staticmethod
    def read(text: str) -> "Declared":
        """Return what `declared_by_app` wrote."""
        read = json.loads(text)
        return Declared(
            read["functions"],
            frozenset(read["queues"]),
            frozenset(read["containers"]),
            frozenset(read["tables"]),
        )

    def triggers(self) -> dict[str, dict[str, Any]]:
        """Return the binding that starts each function."""
        return {
            name: next(one for one in bindings if one["type"].lower().endswith("trigger"))
            for name, bindings in self.functions.items()
        }


@dataclass(frozen=True)
class Infrastructure:
    """All of it; *folder* holds infra/, host.json and what else is deployed."""

    folder: Path
    declared: Declared

    @cached_property
    def deployments(self) -> dict[str, Deployment]:
        """Return what is made: small, large, and with every option.

        Raises:
            BicepError: The templates cannot be read or evaluated.
        """
        infra = self.folder / "infra"
        small = read_parameters(infra / "main.parameters.json", AZD)
        large = read_parameters(infra / "large.parameters.json", AZD)
        return {
            "small": deploy(infra, small),
            "large": deploy(infra, large),
            "every option": deploy(infra, {**small, **EVERYTHING}),
        }

    @property
    def everything(self) -> Deployment:
        """The deployment with every option."""
        return self.deployments["every option"]

    def json_of(self, name: str) -> Any:
        """Return a JSON file of the folder."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))


def the_app(deployment: Deployment) -> Resource:
    """Return the function app."""
    return deployment.of_type("Microsoft.Web/sites")[0]


def app_settings(deployment: Deployment) -> dict[str, str]:
    """Return the app's settings."""
    found: dict[str, str] = {}
    for one in deployment.of_type("Microsoft.Web/sites/config"):
        if one.name == "appsettings":
            found |= one.at("properties")
    return found


def account(deployment: Deployment, beginning: str) -> Resource:
    """Return the storage account whose name begins so."""
    accounts = deployment.of_type("Microsoft.Storage/storageAccounts")
    return next(one for one in accounts if one.name.startswith(beginning))


def names_in(deployment: Deployment, kind: str, where: Resource) -> list[str]:
    """Return the names of the children of an account: "queueServices/queues" and the like."""
    return [
        one.name
        for one in deployment.of_type(f"Microsoft.Storage/storageAccounts/{kind}")
        if one.id.startswith(f"{where.id}/")
    ]


def declared_by_app(settings: Mapping[str, str], file: Path) -> str:
    """Index the app under *settings*, in a process of its own, and return what it declares, as JSON.

    Telemetry is left out: nothing of it should be sent. So is its timer, then, which needs nothing of its own.
    """
    surroundings = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    own = {name: value for name, value in settings.items() if not name.startswith("APPLICATIONINSIGHTS")}
    ran = subprocess.run(
        [sys.executable, "-m", "tests.unit.infra.declared_by_app", str(file)],
        cwd=ROOT,
        env={**surroundings, "WEBSITE_SITE_NAME": "archive", **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if ran.returncode != 0:
        raise AssertionError(f"the app cannot be indexed with the settings of infra/:\n{ran.stderr[-3000:]}")
    return file.read_text()
