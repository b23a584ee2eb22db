"""Checks of storage: what the code names is there, and nothing else; who reaches it, and how."""

from collections.abc import Iterator

from client.azurite import CONTAINERS, QUEUES, TABLES
from tests.unit.infra.deployment import Deployment
from tests.unit.infra.infrastructure import Infrastructure, account, names_in

_LISTS = "infra/modules/data.bicep"
_OWN_CONTAINERS = {"dead-letters"}  # of Event Grid, not of the app
_POISON = "-poison"
_ACCOUNT = {
    "allowSharedKeyAccess": False,
    "allowBlobPublicAccess": False,
    "allowCrossTenantReplication": False,
    "defaultToOAuthAuthentication": True,
    "minimumTlsVersion": "TLS1_2",
    "supportsHttpsTrafficOnly": True,
}


def queues_are_there(infra: Infrastructure) -> Iterator[str]:
    """Every queue that a trigger reads or that code sends to, and the poison queue of each."""
    triggers = infra.declared.triggers().values()
    read = {one["queueName"] for one in triggers if one["type"] == "queueTrigger"}
    needed = {name.removesuffix(_POISON) for name in infra.declared.queues | read}
    made = set(names_in(infra.everything, "queueServices/queues", account(infra.everything, "stdata")))
    for name in sorted(needed - made):
        yield f"queue '{name}' is used by the code and not made: add '{name}' to queueNames in {_LISTS}"
    for name in sorted(needed):
        if name + _POISON not in made:
            yield f"queue '{name}{_POISON}' is not made: poisonQueues in {_LISTS} makes one for each of queueNames"
    for name in sorted({name.removesuffix(_POISON) for name in made} - needed):
        yield f"queue '{name}' is made and no code uses it: remove it from queueNames in {_LISTS}"


def containers_are_there(infra: Infrastructure) -> Iterator[str]:
    """Every container that a setting names, and the watched ones."""
    for name, deployment in infra.deployments.items():
        made = set(names_in(deployment, "blobServices/containers", account(deployment, "stdata")))
        watched = set(deployment.parameters.get("watchedContainers", ["images"]))
        needed = infra.declared.containers - set(infra.everything.parameters["watchedContainers"]) | watched
        for missing in sorted(needed - made):
            yield f"{name}: container '{missing}' is used by the code and not made: add '{missing}' to containerNames in {_LISTS}"
        for extra in sorted(made - needed - _OWN_CONTAINERS):
            yield f"{name}: container '{extra}' is made and no setting names it: remove it from containerNames in {_LISTS}"


def tables_are_there(infra: Infrastructure) -> Iterator[str]:
    """Every table of the index, and the report table."""
    made = set(names_in(infra.everything, "tableServices/tables", account(infra.everything, "stdata")))
    for name in sorted(infra.declared.tables - made):
        yield f"table '{name}' is used by the code and not made: add '{name}' to tableNames in {_LISTS}"
    for name in sorted(made - infra.declared.tables):
        yield f"table '{name}' is made and no code uses it: remove it from tableNames in {_LISTS}"


def developers_have_the_same(infra: Infrastructure) -> Iterator[str]:
    """What `make run` and the tests make on Azurite is what Azure gets: neither hides what the other lacks."""
    small = infra.deployments["small"]
    data = account(small, "stdata")
    for kind, local in (
        ("queueServices/queues", QUEUES),
        ("blobServices/containers", CONTAINERS),
        ("tableServices/tables", TABLES),
    ):
        made = set(names_in(small, kind, data)) - _OWN_CONTAINERS
        for name in sorted(made - set(local)):
            yield f"{kind}: '{name}' is made in Azure only: add it to client/azurite.py"
        for name in sorted(set(local) - made):
            yield f"{kind}: '{name}' is made by client/azurite.py only: add it to {_LISTS}, or take it away there"


def accounts_are_closed(infra: Infrastructure) -> Iterator[str]:
    """No account key, no public blob, no old TLS; and behind a private network nothing but trusted services."""
    for name, deployment in infra.deployments.items():
        for one in deployment.of_type("Microsoft.Storage/storageAccounts"):
            for key, value in _ACCOUNT.items():
                if one.at(f"properties.{key}") != value:
                    yield f"{name}: {one.file}: {key} of {one.symbol} must be {value}"
        for one in deployment.of_type("Microsoft.Storage/storageAccounts/blobServices/containers"):
            if one.at("properties.publicAccess") != "None":
                yield f"{name}: {one.file}: container '{one.name}' must have publicAccess 'None'"
        yield from _network_problems(name, deployment)


def _network_problems(name: str, deployment: Deployment) -> Iterator[str]:
    is_private = bool(deployment.parameters.get("privateNetwork", False))
    endpoints = {
        (connection["properties"]["privateLinkServiceId"], group)
        for one in deployment.of_type("Microsoft.Network/privateEndpoints")
        for connection in one.at("properties.privateLinkServiceConnections")
        for group in connection["properties"]["groupIds"]
    }
    for beginning in ("stdata", "sthost"):
        one = account(deployment, beginning)
        rules = one.at("properties.networkAcls")
        if rules["bypass"] != "AzureServices" or one.at("properties.publicNetworkAccess") != "Enabled":
            yield f"{name}: {one.file}: Event Grid and deployments come as trusted services: bypass 'AzureServices', publicNetworkAccess 'Enabled'"
        if rules["defaultAction"] != ("Deny" if is_private else "Allow"):
            yield f"{name}: {one.file}: defaultAction is {rules['defaultAction']} with privateNetwork {is_private}"
        for service in ("blob", "queue", "table"):
            if is_private and (one.id, service) not in endpoints:
                yield f"{name}: {one.symbol} of {one.file} has no private endpoint for {service}"
    site = deployment.of_type("Microsoft.Web/sites")[0]
    subnets = {
        f"{network.id}/subnets/{subnet['name']}": subnet["properties"]
        for network in deployment.of_type("Microsoft.Network/virtualNetworks")
        for subnet in network.at("properties.subnets")
    }
    subnet = subnets.get(site.at("properties.virtualNetworkSubnetId"), {})
    delegated = [one["properties"]["serviceName"] for one in subnet.get("delegations", [])]
    if is_private and delegated != ["Microsoft.App/environments"]:
        yield f"{name}: app.bicep: the app is not in a subnet delegated to Microsoft.App/environments"


def blobs_can_be_had_back(infra: Infrastructure) -> Iterator[str]:
    """Soft delete and versions, and a rule that ends both."""
    for name, deployment in infra.deployments.items():
        data = account(deployment, "stdata")
        services = deployment.of_type("Microsoft.Storage/storageAccounts/blobServices")
        blobs = next(one for one in services if one.parent is data)
        for key in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
            if blobs.at(f"properties.{key}.enabled") is not True:
                yield f"{name}: {blobs.file}: {key} is not enabled"
        if blobs.at("properties.isVersioningEnabled") is not True:
            yield f"{name}: {blobs.file}: versioning is not enabled"
        rules = [
            rule["definition"]["actions"]
            for one in deployment.of_type("Microsoft.Storage/storageAccounts/managementPolicies")
            for rule in one.at("properties.policy.rules")
        ]
        if not any("version" in actions for actions in rules):
            yield f"{name}: {blobs.file}: versions are kept for ever: no lifecycle rule deletes them"
        if any("delete" in actions.get("baseBlob", {}) for actions in rules):
            yield f"{name}: {blobs.file}: a lifecycle rule deletes objects; only the archive may"
