"""Checks of the function app: its plan, scaling and settings."""

import os
from collections.abc import Iterator
from typing import Final
from unittest import mock

from pydantic import AliasChoices

from shared.errors import SettingsError
from shared.settings.settings import Settings, load_settings
from tests.unit.infra.deployment import Deployment
from tests.unit.infra.infrastructure import SECRETS, Infrastructure, account, app_settings, names_in, the_app

_APP = "infra/modules/app.bicep"
FORBIDDEN: Final = (
    "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_PROCESS_COUNT",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "ENABLE_ORYX_BUILD",
    "WEBSITE_RUN_FROM_PACKAGE",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_CONTENTOVERVNET",
    "WEBSITE_VNET_ROUTE_ALL",
    "WEBSITE_TIME_ZONE",
    "TZ",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT",
)
"""What Flex Consumption refuses or ignores. Source: Microsoft Learn, Flex Consumption plan, deprecated settings."""

_SERVICES: Final = {"queueTrigger": ("queue",), "blobTrigger": ("blob", "queue")}
_TAKEN_FOR_NO_SECRET: Final = {"APPLICATIONINSIGHTS_CONNECTION_STRING"}
"""Nobody can send by it alone: local authentication is off."""
_GROUPS: Final = {"http", "blob", "durable"}


def plan_is_flex_consumption(infra: Infrastructure) -> Iterator[str]:
    """FC1, the Python of this repository, the package by identity from a container that is there."""
    python = (infra.folder / ".python-version").read_text().strip()
    for name, deployment in infra.deployments.items():
        plan, site = deployment.of_type("Microsoft.Web/serverfarms")[0], the_app(deployment)
        if plan.at("sku") != {"name": "FC1", "tier": "FlexConsumption"} or not plan.at("properties.reserved"):
            yield f"{name}: {_APP}: the plan must be FC1, tier FlexConsumption, reserved"
        config = site.at("properties.functionAppConfig")
        if config["runtime"] != {"name": "python", "version": python}:
            yield f"{name}: {_APP}: the runtime must be python {python}, as .python-version says"
        storage, host = config["deployment"]["storage"], account(deployment, "sthost")
        containers = names_in(deployment, "blobServices/containers", host)
        if storage["value"] not in [f"https://{host.name}.blob.core.windows.net/{one}" for one in containers]:
            yield f"{name}: {_APP}: the package goes to a container that is not made: {storage['value']}"
        identities = site.at("identity.userAssignedIdentities") or {}
        signing = storage["authentication"]
        if (
            signing["type"] != "UserAssignedIdentity"
            or signing["userAssignedIdentityResourceId"] not in identities
        ):
            yield f"{name}: {_APP}: the package must be read by the identity that the app has"


def scaling_names_functions(infra: Infrastructure) -> Iterator[str]:
    """Who waits is a group, or a function that is there and scales alone; and no limit is left to a default."""
    alone = {
        f"function:{name}" for name, one in infra.declared.triggers().items() if one["type"] != "httpTrigger"
    }
    for name, deployment in infra.deployments.items():
        scaling = the_app(deployment).at("properties.functionAppConfig.scaleAndConcurrency")
        ready = {one["name"]: one["instanceCount"] for one in scaling["alwaysReady"]}
        for unknown in sorted(ready.keys() - alone - _GROUPS):
            yield f"{name}: {_APP}: alwaysReady names '{unknown}', which is no group and no function of the app"
        if not {"http", "function:blob_event"} <= ready.keys():
            yield f"{name}: {_APP}: one instance must wait for 'http' and one for 'function:blob_event'"
        least = 2 if deployment.of_type("Microsoft.Web/serverfarms")[0].at("properties.zoneRedundant") else 1
        if any(count < least for count in ready.values()):
            yield f"{name}: alwaysReady needs {least} instances in each group"
        if scaling.get("triggers", {}).get("http", {}).get("perInstanceConcurrency", 1) < 2:
            yield f"{name}: {_APP}: perInstanceConcurrency of HTTP must be set: Python's default is 1"
        if not 40 <= scaling["maximumInstanceCount"] <= 1000:
            yield f"{name}: maximumInstanceCount must be from 40 to 1000"


def connections_are_set(infra: Infrastructure) -> Iterator[str]:
    """Each connection that a trigger names has the addresses it needs, of the right account, and the app's identity."""
    wanted = {("AzureWebJobsStorage", service, "sthost") for service in ("blob", "queue", "table")}
    wanted |= {("DicomStorage", service, "stdata") for service in ("blob", "queue", "table")}
    for trigger in infra.declared.triggers().values():
        for service in _SERVICES.get(trigger["type"], ()):
            wanted.add((trigger["connection"], service, "stdata"))
    for name, deployment in infra.deployments.items():
        settings = app_settings(deployment)
        for connection, service, beginning in sorted(wanted):
            setting = f"{connection}__{service}ServiceUri"
            if settings.get(setting) != _endpoint(deployment, beginning, service):
                yield f"{name}: set {setting} to the {service} endpoint of {beginning} in {_APP}"
        for connection in sorted({connection for connection, _, _ in wanted}):
            if settings.get(f"{connection}__credential") != "managedidentity":
                yield f"{name}: set {connection}__credential to 'managedidentity' in {_APP}"
            if settings.get(f"{connection}__clientId") != _client_id(deployment):
                yield f"{name}: set {connection}__clientId to the identity's clientId in {_APP}"


def _endpoint(deployment: Deployment, beginning: str, service: str) -> str:
    return f"https://{account(deployment, beginning).name}.{service}.core.windows.net/"


def _client_id(deployment: Deployment) -> str:
    identities = deployment.of_type("Microsoft.ManagedIdentity/userAssignedIdentities")
    own = next(one for one in identities if not one.name.startswith("id-events-"))
    return f"{own.id}#properties.clientId"


def settings_are_known(infra: Infrastructure) -> Iterator[str]:
    """The app takes its settings as they are in Azure, and they say what only they can say."""
    for name, deployment in infra.deployments.items():
        settings = app_settings(deployment)
        try:
            with mock.patch.dict(os.environ, {"WEBSITE_SITE_NAME": "archive", **settings}, clear=True):
                read = load_settings()
        except SettingsError as error:
            yield f"{name}: the app refuses its settings in {_APP}: {error}"
            continue
        if not deployment.parameters.get("extraSettings", {}).items() <= settings.items():
            yield f"{name}: extraSettings do not reach the app in {_APP}"
        if read.connection_string is not None:
            yield f"{name}: {_APP}: DicomStorage must be an identity's connection, not a connection string"
        if (read.blob_events, read.object_store) != ("queue", "azure"):
            yield f"{name}: {_APP}: DICOM_BLOB_EVENTS must be 'queue' and DICOM_OBJECT_STORE 'azure'"
        watched = deployment.parameters.get("watchedContainers", ["images"])
        if list(read.watched_containers) != watched:
            yield f"{name}: {_APP}: DICOM_WATCHED_CONTAINERS is not what the containers and events are made for"
        for required in ("AZURE_CLIENT_ID", "DICOM_ACCESS", "DICOM_MAX_STORE_BYTES"):
            if not settings.get(required):
                yield f"{name}: set {required} in {_APP}"


def nothing_forbidden_is_set(infra: Infrastructure) -> Iterator[str]:
    """Settings that Flex Consumption refuses."""
    for name, deployment in infra.deployments.items():
        inline = the_app(deployment).at("properties.siteConfig.appSettings") or []
        settings = app_settings(deployment).keys() | {one["name"] for one in inline}
        for setting in FORBIDDEN:
            if setting in settings:
                yield f"{name}: remove {setting} from {_APP}: Flex Consumption does not take it"
        for key in (
            "linuxFxVersion",
            "pythonVersion",
            "alwaysOn",
            "healthCheckPath",
            "functionAppScaleLimit",
        ):
            if the_app(deployment).at(f"properties.siteConfig.{key}") is not None:
                yield f"{name}: remove siteConfig.{key} from {_APP}: Flex Consumption does not take it"


def secrets_stay_in_the_vault(infra: Infrastructure) -> Iterator[str]:
    """A secret that is given stands in the key vault and nowhere else; no setting is a key."""
    for one in infra.everything.resources:
        text = repr(one.body)
        for secret, value in SECRETS.items():
            if value in text and one.type != "Microsoft.KeyVault/vaults/secrets":
                yield f"{one.file}: {one.symbol} holds {secret}; it belongs into infra/modules/secrets.bicep"
        if "AccountKey=" in text or "listKeys" in text:
            yield f"{one.file}: {one.symbol} holds an account key"
    made = {one.name for one in infra.everything.of_type("Microsoft.KeyVault/vaults/secrets")}
    vaults = {one.name for one in infra.everything.of_type("Microsoft.KeyVault/vaults")}
    for setting, value in app_settings(infra.everything).items():
        if value.startswith("@Microsoft.KeyVault"):
            parts = dict(part.split("=", 1) for part in value[20:].rstrip(")").split(";"))
            if parts.get("VaultName") not in vaults or parts.get("SecretName") not in made:
                yield f"{setting} refers to a secret that is not made"
    for setting in sorted(_secret_settings() & app_settings(infra.everything).keys() - _TAKEN_FOR_NO_SECRET):
        if not app_settings(infra.everything)[setting].startswith("@Microsoft.KeyVault"):
            yield f"{setting} must be a reference to the key vault in {_APP}"


def _secret_settings() -> set[str]:
    """Return the names under which the app takes what it treats as a secret."""
    found = set()
    for name, field in Settings.model_fields.items():
        if "Secret" in str(field.annotation):
            alias = field.validation_alias
            names = alias.choices if isinstance(alias, AliasChoices) else [f"DICOM_{name}"]
            found |= {str(one) if isinstance(alias, AliasChoices) else str(one).upper() for one in names}
    return found


def bodies_are_refused_by_the_app(infra: Infrastructure) -> Iterator[str]:
    """The host's limit on bodies answers 500, so it lies above the app's, which answers 413."""
    for name, deployment in infra.deployments.items():
        settings = app_settings(deployment)
        if int(settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "104857600")) <= int(
            settings.get("DICOM_MAX_STORE_BYTES", "0")
        ):
            yield f"{name}: FUNCTIONS_REQUEST_BODY_SIZE_LIMIT must be above DICOM_MAX_STORE_BYTES in {_APP}"


def app_is_closed(infra: Infrastructure) -> Iterator[str]:
    """HTTPS only, TLS 1.2, no publishing passwords."""
    for name, deployment in infra.deployments.items():
        site = the_app(deployment)
        if (
            site.at("properties.httpsOnly") is not True
            or site.at("properties.siteConfig.minTlsVersion") != "1.2"
        ):
            yield f"{name}: {_APP}: httpsOnly and minTlsVersion '1.2' are needed"
        policies = {
            one.name: one.at("properties.allow")
            for one in deployment.of_type("Microsoft.Web/sites/basicPublishingCredentialsPolicies")
        }
        if policies != {"ftp": False, "scm": False}:
            yield f"{name}: {_APP}: publishing passwords must be off for ftp and scm"


def telemetry_is_closed(infra: Infrastructure) -> Iterator[str]:
    """By identity, once, and no more than a day may cost."""
    for name, deployment in infra.deployments.items():
        for insights in deployment.of_type("Microsoft.Insights/components"):
            if insights.at("properties.DisableLocalAuth") is not True:
                yield f"{name}: {insights.file}: DisableLocalAuth must be true"
        for workspace in deployment.of_type("Microsoft.OperationalInsights/workspaces"):
            if workspace.at("properties.features.disableLocalAuth") is not True:
                yield f"{name}: {workspace.file}: disableLocalAuth must be true"
            if not workspace.at("properties.workspaceCapping.dailyQuotaGb"):
                yield f"{name}: {workspace.file}: the daily cap must be set"
        settings = app_settings(deployment)
        if settings.get("PYTHON_ENABLE_OPENTELEMETRY") != "true":
            yield f"{name}: {_APP}: PYTHON_ENABLE_OPENTELEMETRY must be 'true', or the host logs all once more"
        if settings.get("APPLICATIONINSIGHTS_AUTHENTICATION_STRING") != (
            f"ClientId={_client_id(deployment)};Authorization=AAD"
        ):
            yield f"{name}: {_APP}: telemetry signs in by APPLICATIONINSIGHTS_AUTHENTICATION_STRING"
