"""Checks of roles, events and alerts."""

import re
from collections.abc import Iterator
from typing import Final

from tests.unit.infra.deployment import Deployment, Resource
from tests.unit.infra.infrastructure import ROOT, Infrastructure, account, names_in
from tests.unit.infra.roles import ALWAYS, ROLES, WITH_DICOM_SERVICE, WITH_SECRETS, Grant

_METRICS: Final = ROOT / "shared"
_NAME: Final = re.compile(r"\bdicom\.[a-z.]+[a-z]")
_WATCHED: Final = (
    "dicom.poison",
    "failed",
    "dicom.queue.age",
    "dicom.queue.messages",
    "OverQuota",
    "DeadLetteredCount",
    "DeliveryAttemptFailCount",
    "Http5xx",
)
_ROLE: Final = "/Microsoft.Authorization/roleDefinitions/"


def _expected(deployment: Deployment) -> list[Grant]:
    with_vault = [WITH_SECRETS] if deployment.of_type("Microsoft.KeyVault/vaults") else []
    with_service = (
        [WITH_DICOM_SERVICE]
        if deployment.of_type("Microsoft.HealthcareApis/workspaces/dicomservices")
        else []
    )
    return [*ALWAYS, *with_vault, *with_service]


def _token(deployment: Deployment) -> str:
    return account(deployment, "stdata").name.removeprefix("stdata")


def roles_are_granted(infra: Infrastructure) -> Iterator[str]:
    """Each capability of tests/unit/infra/roles.py is granted to its identity, on its resource, and no other is."""
    for name, deployment in infra.deployments.items():
        token = _token(deployment)
        granted = {}
        for one in deployment.of_type("Microsoft.Authorization/roleAssignments"):
            yield from (f"{name}: {problem}" for problem in _assignment_problems(one))
            who = str(one.at("properties.principalId")).partition("#")[0].rpartition("/")[2]
            where = one.scope.id.replace(token, "") if one.scope else "the resource group"
            role = str(one.at("properties.roleDefinitionId")).removeprefix(_ROLE)
            granted[who.replace("stdata" + token, "").replace(token, ""), where, role] = one
        for grant in _expected(deployment):
            found = [
                key
                for key in granted
                if key[0] == grant.who and key[1].endswith(grant.where) and key[2] == ROLES[grant.role]
            ]
            for key in found:
                del granted[key]
            if not found:
                yield (
                    f"{name}: '{grant.role}' ({ROLES[grant.role]}) on {grant.where} is not granted to {grant.who}: "
                    f"it is needed for {grant.capability}"
                )
        for (who, where, role), one in granted.items():
            yield (
                f"{name}: {one.file}: {one.symbol} grants {role} on {where} to {who}, which nothing needs: "
                "remove it, or say in tests/unit/infra/roles.py what for"
            )


def _assignment_problems(one: Resource) -> Iterator[str]:
    if one.at("properties.principalType") != "ServicePrincipal":
        yield f"{one.file}: {one.symbol} needs principalType 'ServicePrincipal', or a new identity is not found"
    if not str(one.at("properties.principalId")).endswith("#properties.principalId"):
        yield f"{one.file}: {one.symbol} must grant to an identity's principalId"
    if not str(one.at("properties.roleDefinitionId")).startswith(_ROLE):
        yield f"{one.file}: {one.symbol} names no role of Azure's"


def roles_come_first(infra: Infrastructure) -> Iterator[str]:
    """The app and the subscriptions to events wait for their roles, the app for its network and secrets too."""
    needs, files = infra.everything.module_needs, infra.everything.module_files
    before, waiting = set(), ["app"]
    while waiting:
        for need in needs.get(waiting.pop(), frozenset()):
            if need in needs and need not in before:
                before.add(need)
                waiting.append(need)
    for file in ("monitoring.bicep", "host.bicep", "data-roles.bicep", "network.bicep", "secrets.bicep"):
        if not any(file in files[name] for name in before):
            yield f"infra/main.bicep: module app must wait for {file}: name it in dependsOn"
    for one in infra.everything.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions"):
        if not {"sends", "keepsDeadLetters", "newTopic"} <= one.needs:
            yield f"{one.file}: {one.symbol} must wait for its roles and the topic: name them in dependsOn"


def events_reach_the_queue(infra: Infrastructure) -> Iterator[str]:
    """One subscription a watched container, to the queue that the app reads, by identity, with dead letters."""
    queue = infra.declared.triggers()["blob_event"]["queueName"]
    for name, deployment in infra.deployments.items():
        data = account(deployment, "stdata")
        topics = {one.name: one for one in deployment.of_type("Microsoft.EventGrid/systemTopics")}
        made = deployment.of_type("Microsoft.EventGrid/systemTopics/eventSubscriptions")
        watched = deployment.parameters.get("watchedContainers", ["images"])
        subjects = [f"/blobServices/default/containers/{one}/" for one in watched]
        if [one.at("properties.filter.subjectBeginsWith") for one in made] != subjects:
            yield f"{name}: events.bicep: each watched container needs a subscription of its own"
        for one in made:
            topic = topics.get(one.parent.name) if one.parent else None
            yield from (f"{name}: {one.file}: {text}" for text in _delivery_problems(one, topic, data, queue))
            containers = names_in(deployment, "blobServices/containers", data)
            letters = one.at("properties.deadLetterWithResourceIdentity.deadLetterDestination.properties")
            if not letters or letters["blobContainerName"] not in containers:
                yield f"{name}: {one.file}: dead letters need a container that is made"


def _delivery_problems(one: Resource, topic: Resource | None, data: Resource, queue: str) -> Iterator[str]:
    properties = one.at("properties")
    if "destination" in properties or "deadLetterDestination" in properties:
        yield "delivery must be by identity: deliveryWithResourceIdentity"
        return
    delivery = properties["deliveryWithResourceIdentity"]
    target = delivery["destination"]["properties"]
    if delivery["destination"]["endpointType"] != "StorageQueue" or target["queueName"] != queue:
        yield f"events must go to the queue '{queue}', which blob_event reads"
    if target["resourceId"] != data.id or target.get("queueMessageTimeToLiveInSeconds") != -1:
        yield "events must go to the data account, and never expire in the queue (-1)"
    for key in ("deliveryWithResourceIdentity", "deadLetterWithResourceIdentity"):
        used = (properties.get(key) or {}).get("identity", {}).get("userAssignedIdentity")
        if topic is None or used not in topic.at("identity.userAssignedIdentities"):
            yield f"{key} needs an identity that the topic has"
    if topic is not None and topic.at("properties.source") != data.id:
        yield "the topic must be that of the data account"
    kinds = {f"Microsoft.Storage.Blob{kind}" for kind in ("Created", "Deleted", "Renamed")}
    if set(properties["filter"]["includedEventTypes"]) != kinds:
        yield f"includedEventTypes must be those that the app reads: {', '.join(sorted(kinds))}"
    if properties.get("eventDeliverySchema") not in ("EventGridSchema", "CloudEventSchemaV1_0"):
        yield "eventDeliverySchema must be one that the app reads"


def alerts_are_raised(infra: Infrastructure) -> Iterator[str]:
    """Poison, age of queues, silence, dead letters, failed deliveries, 5xx and the daily cap; each tells somebody."""
    for name, deployment in infra.deployments.items():
        rules = [
            *deployment.of_type("Microsoft.Insights/scheduledQueryRules"),
            *deployment.of_type("Microsoft.Insights/metricAlerts"),
        ]
        text = repr([(one.at("properties.criteria"), one.at("properties.scopes")) for one in rules])
        for what in _WATCHED:
            if what not in text:
                yield f"{name}: alerts.bicep: no alert looks at {what}"
        for one in rules:
            actions = one.at("properties.actions")
            told = (
                actions["actionGroups"]
                if isinstance(actions, dict)
                else [each["actionGroupId"] for each in actions]
            )
            if told != [one.id for one in deployment.of_type("Microsoft.Insights/actionGroups")]:
                yield f"{name}: alerts.bicep: {one.name} tells nobody"
            if one.at("properties.enabled") is not True:
                yield f"{name}: alerts.bicep: {one.name} is not enabled"
        measured = {
            word
            for path in _METRICS.rglob("*.py")
            for word in _NAME.findall(path.read_text(encoding="utf-8"))
        }
        for metric in sorted(set(_NAME.findall(text)) - measured):
            yield f"{name}: alerts.bicep: {metric} is nothing that the app measures or labels: see shared/telemetry/metrics.py"
    groups = infra.everything.of_type("Microsoft.Insights/actionGroups")
    if not any(one.at("properties.emailReceivers") for one in groups):
        yield "alerts.bicep: alertEmail reaches nobody"
