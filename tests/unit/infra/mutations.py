"""Mistakes that one could make in infra/ or in the code, each a small edit of one file, and how the checks tell of it."""

from dataclasses import dataclass
from typing import Final

DECLARED: Final = "declared.json"
"""Not a file of the repository: what the app declares, as `declared_by_app` writes it."""


@dataclass(frozen=True, slots=True)
class Mutation:
    """In *file*, *old* becomes *new*; a check then says something with *told* in it."""

    name: str
    file: str
    old: str
    new: str
    told: str


_DATA = "infra/modules/data.bicep"
_APP = "infra/modules/app.bicep"
_EVENTS = "infra/modules/events.bicep"
_ALERTS = "infra/modules/alerts.bicep"
_HOST = "infra/modules/host.bicep"
_MAIN = "infra/main.bicep"

OF_THE_CODE: Final = (
    Mutation(
        "code reads a new queue",
        DECLARED,
        '"queueName": "study-changed"',
        '"queueName": "study-altered"',
        "add 'study-altered' to queueNames in infra/modules/data.bicep",
    ),
    Mutation(
        "code sends to a new queue",
        DECLARED,
        '"queues": [\n',
        '"queues": [\n  "mail",\n',
        "add 'mail' to queueNames",
    ),
    Mutation(
        "code has a new table",
        DECLARED,
        '"tables": [\n',
        '"tables": [\n  "notes",\n',
        "add 'notes' to tableNames",
    ),
    Mutation(
        "code gives up a table", DECLARED, '  "jobs",\n', "", "table 'jobs' is made and no code uses it"
    ),
    Mutation(
        "a setting names a new container",
        DECLARED,
        '"containers": [\n',
        '"containers": [\n  "thumbnails",\n',
        "add 'thumbnails' to containerNames",
    ),
    Mutation(
        "a trigger has another connection",
        DECLARED,
        '"connection": "DicomStorage"',
        '"connection": "Messages"',
        "set Messages__queueServiceUri",
    ),
    Mutation(
        "a function that waits is renamed",
        DECLARED,
        '"blob_event": [',
        '"blob_events": [',
        "function:blob_event', which is no group and no function",
    ),
)

OF_STORAGE: Final = (
    Mutation("queue missing", _DATA, "  'study-changed'\n", "", "add 'study-changed' to queueNames"),
    Mutation(
        "queue misspelt", _DATA, "  'deidentify'\n", "  'deidentifi'\n", "add 'deidentify' to queueNames"
    ),
    Mutation(
        "poison queues misspelt", _DATA, "'${queue}-poison'", "'${queue}-poisoned'", "-poison' is not made"
    ),
    Mutation("table missing", _DATA, "  'instancelookups'\n", "", "add 'instancelookups' to tableNames"),
    Mutation("container missing", _DATA, "  'quarantine'\n", "", "add 'quarantine' to containerNames"),
    Mutation("container nobody names", _DATA, "  'derived'\n", "  'derived'\n  'spare'\n", "'spare' is made"),
    Mutation(
        "account keys on",
        _DATA,
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "allowSharedKeyAccess",
    ),
    Mutation("old TLS", _HOST, "'TLS1_2'", "'TLS1_0'", "minimumTlsVersion"),
    Mutation(
        "public blobs",
        _DATA,
        "allowBlobPublicAccess: false",
        "allowBlobPublicAccess: true",
        "allowBlobPublicAccess",
    ),
    Mutation(
        "public container", _DATA, "publicAccess: 'None'", "publicAccess: 'Blob'", "publicAccess 'None'"
    ),
    Mutation(
        "trusted services shut out", _DATA, "bypass: 'AzureServices'", "bypass: 'None'", "trusted services"
    ),
    Mutation(
        "open behind a private network",
        _HOST,
        "privateNetwork ? 'Deny' : 'Allow'",
        "'Allow'",
        "defaultAction is Allow",
    ),
    Mutation(
        "no versions",
        _DATA,
        "isVersioningEnabled: true",
        "isVersioningEnabled: false",
        "versioning is not enabled",
    ),
    Mutation(
        "versions for ever", _DATA, "      version: {", "      snapshot: {", "versions are kept for ever"
    ),
    Mutation(
        "no private endpoint for tables",
        "infra/modules/network.bicep",
        "  'table'\n",
        "",
        "has no private endpoint for table",
    ),
    Mutation("tables without their account", _DATA, "  parent: tableService\n", "", "or a parent"),
    Mutation(
        "the app beside its network",
        "infra/modules/network.bicep",
        "'Microsoft.App/environments'",
        "'Microsoft.Web/serverFarms'",
        "not in a subnet delegated",
    ),
    Mutation(
        "nothing can be undeleted",
        _DATA,
        "    deleteRetentionPolicy: {\n      enabled: true",
        "    deleteRetentionPolicy: {\n      enabled: false",
        "deleteRetentionPolicy is not enabled",
    ),
    Mutation(
        "objects are deleted by age",
        _DATA,
        "        tierToCool: {",
        "        delete: {",
        "a lifecycle rule deletes objects",
    ),
)

OF_THE_APP: Final = (
    Mutation("another plan", _APP, "name: 'FC1'", "name: 'Y1'", "the plan must be FC1"),
    Mutation("another Python", _APP, "version: '3.13'", "version: '3.12'", "the runtime must be python 3.13"),
    Mutation("package by the system's identity", _APP, "'UserAssignedIdentity'", "'SystemAssignedIdentity'", "the package must be read by"),
    Mutation("package to another container", _APP, "${packageContainerName}'", "packages'", "the package goes to a container that is not made"),
    Mutation("too few wait for zones", "infra/large.parameters.json", '"alwaysReadyEvents": { "value": 2', '"alwaysReadyEvents": { "value": 1', "alwaysReady needs 2 instances"),
    Mutation("instances without bounds", _APP, "maximumInstanceCount: maximumInstanceCount", "maximumInstanceCount: 20", "maximumInstanceCount must be from 40"),
    Mutation("connection by a key", _APP, "  DicomStorage__credential: 'managedidentity'", "  DicomStorage: 'UseDevelopmentStorage=true'\n  DicomStorage__credential: 'managedidentity'", "must be an identity's connection"),
    Mutation("other containers are watched", _APP, "join(watchedContainers, ',')", "'images'", "DICOM_WATCHED_CONTAINERS is not what"),
    Mutation("a limit left to its default", _APP, "  DICOM_MAX_STORE_BYTES: string(maxStoreBytes)\n", "", "set DICOM_MAX_STORE_BYTES"),
    Mutation("an account key in a setting", _APP, "  AZURE_CLIENT_ID:", "  PACKAGE: 'AccountKey=abc'\n  AZURE_CLIENT_ID:", "holds an account key"),
    Mutation("logs by key", "infra/modules/monitoring.bicep", "disableLocalAuth: true", "disableLocalAuth: false", "disableLocalAuth must be true"),
    Mutation("telemetry without an identity", _APP, "Authorization=AAD", "Authorization=Key", "telemetry signs in by"),
    Mutation("the log is sent twice", _APP, "  PYTHON_ENABLE_OPENTELEMETRY: 'true'\n", "", "PYTHON_ENABLE_OPENTELEMETRY must be 'true'"),
    Mutation("concurrency left to its default", _APP, "            perInstanceConcurrency: httpConcurrency\n", "            perInstanceConcurrency: 1\n", "perInstanceConcurrency"),
    Mutation("who waits is misspelt", _APP, "'function:blob_event'", "'function:blob_created'", "function:blob_created"),
    Mutation("nobody waits for requests", _APP, "    name: 'http'", "    name: 'durable'", "one instance must wait"),
    Mutation("connection without tables", _APP, "  DicomStorage__tableServiceUri: dataAccount.properties.primaryEndpoints.table\n", "", "set DicomStorage__tableServiceUri"),
    Mutation("connection to the other account", _APP, "DicomStorage__queueServiceUri: dataAccount.", "DicomStorage__queueServiceUri: hostAccount.", "set DicomStorage__queueServiceUri"),
    Mutation("no client id", _APP, "  DicomStorage__clientId: identity.properties.clientId\n", "", "set DicomStorage__clientId"),
    Mutation("host without queues", _APP, "  AzureWebJobsStorage__queueServiceUri: hostAccount.properties.primaryEndpoints.queue\n", "", "set AzureWebJobsStorage__queueServiceUri"),
    Mutation("a setting is misspelt", _APP, "DICOM_WATCHED_CONTAINERS", "DICOM_WATCHED_CONTAINER", "DICOM_WATCHED_CONTAINER"),
    Mutation("a setting has no meaning", _APP, "DICOM_BLOB_EVENTS: 'queue'", "DICOM_BLOB_EVENTS: 'grid'", "blob_events"),
    Mutation("scanning in the cloud", _APP, "DICOM_BLOB_EVENTS: 'queue'", "DICOM_BLOB_EVENTS: 'scan'", "DICOM_BLOB_EVENTS must be 'queue'"),
    Mutation("anybody may call", _APP, "DICOM_ACCESS: access", "DICOM_ACCESS: 'anonymous'", "anonymous is refused in Azure"),
    Mutation("tokens of no audience", _APP, "  DICOM_ENTRA_AUDIENCES: entraAudiences\n", "", "DICOM_ENTRA_AUDIENCES"),
    Mutation("a setting that Flex refuses", _APP, "  AZURE_CLIENT_ID:", "  WEBSITE_RUN_FROM_PACKAGE: '1'\n  AZURE_CLIENT_ID:", "remove WEBSITE_RUN_FROM_PACKAGE"),
    Mutation("the runtime as a setting", _APP, "  AZURE_CLIENT_ID:", "  FUNCTIONS_WORKER_RUNTIME: 'python'\n  AZURE_CLIENT_ID:", "remove FUNCTIONS_WORKER_RUNTIME"),
    Mutation("a health check path", _APP, "      http20Enabled: true", "      http20Enabled: true\n      healthCheckPath: '/health'", "remove siteConfig.healthCheckPath"),
    Mutation("a secret among the settings", _MAIN, "? viewer.outputs.url :", "? '${viewer.outputs.url}?${elasticsearchApiKey}' :", "holds elasticsearchApiKey"),
    Mutation("a secret as a setting", _APP, "  DICOM_DEIDENTIFY_SECRET: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=deidentify-secret)'", "  DICOM_DEIDENTIFY_SECRET: 'of-sixteen-letters-and-more'", "DICOM_DEIDENTIFY_SECRET must be a reference"),
    Mutation("further settings are lost", _APP, ", extraSettings)", ")", "extraSettings do not reach the app"),
    Mutation("a secret under another name", _APP, "SecretName=deidentify-secret", "SecretName=pseudonyms", "refers to a secret that is not made"),
    Mutation("the host refuses first", _APP, "maxStoreBytes + 16777216", "maxStoreBytes - 1", "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"),
    Mutation("plain HTTP", _APP, "httpsOnly: true", "httpsOnly: false", "httpsOnly"),
    Mutation("publishing passwords", _APP, "allow: false", "allow: true", "publishing passwords"),
    Mutation("telemetry by key", "infra/modules/monitoring.bicep", "DisableLocalAuth: true", "DisableLocalAuth: false", "DisableLocalAuth"),
    Mutation("no daily cap", "infra/modules/monitoring.bicep", "      dailyQuotaGb: dailyCapGb\n", "", "daily cap"),
)  # fmt: skip

OF_GRANTS: Final = (
    Mutation("role missing", "infra/modules/data-roles.bicep", "  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3' // Storage Table Data Contributor: the index\n", "", "'Storage Table Data Contributor'"),
    Mutation("another role", _EVENTS, "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a", "8a0f0c08-91a1-4084-bc3d-661d67233fed", "Storage Queue Data Message Sender"),
    Mutation("a digit of a role", _HOST, "b7e6dc6d-f1e8-4753", "b7e6dc6d-f1e8-4573", "Storage Blob Data Owner"),
    Mutation("a role too many", _HOST, "  '0a9a7e1f", "  '17d1049b-9a84-46fb-8f53-869881c3d3ab' // Storage Account Contributor\n  '0a9a7e1f", "which nothing needs"),
    Mutation("role on too much", _EVENTS, "  scope: queue\n", "  scope: account\n", "Storage Queue Data Message Sender"),
    Mutation("kind of principal not said", "infra/modules/data-roles.bicep", "    principalType: 'ServicePrincipal'\n", "", "principalType"),
    Mutation("a principal by its client id", "infra/modules/identity.bicep", "identity.properties.principalId", "identity.properties.clientId", "principalId"),
    Mutation("a role by its bare id", "infra/modules/data-roles.bicep", "subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)", "role", "names no role of Azure's"),
    Mutation("events by key", _EVENTS, "    deliveryWithResourceIdentity: {", "    destination: {}\n    deliveryWithResourceIdentity: {", "delivery must be by identity"),
    Mutation("the topic has no identity", _EVENTS, "    userAssignedIdentities: {\n      '${identity.id}': {}\n    }", "    userAssignedIdentities: {}", "needs an identity that the topic has"),
    Mutation("events of another account", _EVENTS, "    source: account.id", "    source: queue.id", "the topic must be that of the data account"),
    Mutation("events in a language unknown", _EVENTS, "'EventGridSchema'", "'CustomInputSchema'", "eventDeliverySchema must be one"),
    Mutation("jobs that are given up tell nobody", _ALERTS, "in ('kept', 'failed')", "in ('kept')", "no alert looks at failed"),
    Mutation("an alert is off", _ALERTS, "    severity: alert.severity\n    enabled: true", "    severity: alert.severity\n    enabled: false", "is not enabled"),
    Mutation("nobody gets mail", _ALERTS, "emailReceivers: empty(email) ? []", "emailReceivers: !empty(email) ? []", "alertEmail reaches nobody"),
    Mutation("a module that no option reaches", _MAIN, "if (monthlyBudget > 0)", "if (monthlyBudget < 0)", "budget.bicep: no option makes anything of it"),
    Mutation("no reading of secrets", "infra/modules/secrets.bicep", "4633458b", "b86a8fe4", "Key Vault Secrets User"),
    Mutation("the app does not wait for secrets", _MAIN, "  dependsOn: [secrets]\n", "", "module app must wait for secrets.bicep"),
    Mutation("events do not wait for roles", _EVENTS, "    keepsDeadLetters\n", "", "must wait for its roles"),
    Mutation("events to another queue", _DATA, "output eventQueueName string = eventQueueName", "output eventQueueName string = 'study-changed'", "events must go to the queue 'blob-events'"),
    Mutation("events expire", _EVENTS, "queueMessageTimeToLiveInSeconds: -1", "queueMessageTimeToLiveInSeconds: 604800", "never expire"),
    Mutation("no dead letters", _DATA, "  deadLetterContainerName\n]", "]", "dead letters need a container"),
    Mutation("events of one container only", _EVENTS, "/containers/${container}/'", "/containers/images/'", "a subscription of its own"),
    Mutation("deletions go unnoticed", _EVENTS, "        'Microsoft.Storage.BlobDeleted'\n", "", "includedEventTypes"),
    Mutation("no alert on poison", _ALERTS, "    query: poisonQuery\n", "    query: capQuery\n", "no alert looks at dicom.poison"),
    Mutation("an alert on what nobody measures", _ALERTS, "'dicom.queue.age'", "'dicom.queue.ages'", "dicom.queue.ages is nothing that the app measures"),
    Mutation("no alert on 5xx", _ALERTS, "'Http5xx'", "'Http4xx'", "no alert looks at Http5xx"),
    Mutation("an alert tells nobody", _ALERTS, "      actionGroups: [\n        people.id\n      ]", "      actionGroups: []", "tells nobody"),
)  # fmt: skip

OF_FILES: Final = (
    Mutation("a brace is missing", _APP, "var appSettings = {", "var appSettings = ", "app.bicep"),
    Mutation("a module grows", _APP, "// The function app on Flex", "//\n" * 200 + "// The function app on Flex", "a module has less than 300"),
    Mutation("large is small", "infra/large.parameters.json", '"value": 120', '"value": 40', "maximumInstanceCount of large.parameters.json"),
    Mutation("host.json: a key twice", "host.json", '"version": "2.0",', '"version": "2.0",\n  "version": "2.0",', "a key is set twice"),
    Mutation("host.json: the log is sent twice", "host.json", '  "telemetryMode": "OpenTelemetry",\n', "", "telemetryMode"),
    Mutation("azd finds no templates", "azure.yaml", "  module: main", "  module: infra", "'module: main' is missing"),
    Mutation("azd does not find the resource group", _MAIN, "  'azd-env-name': environmentName", "  'azd-name': environmentName", "azd-env-name"),
    Mutation("a sample for another emulator", "local.settings.sample.json", '"DicomStorage": "UseDevelopmentStorage=true"', '"DicomStorage": "AccountName=st"', "DicomStorage must be UseDevelopmentStorage=true"),
    Mutation("a module is misspelt", _MAIN, "'modules/alerts.bicep'", "'modules/alert.bicep'", "alert.bicep: there is no such module"),
    Mutation("a parameter is not given", _MAIN, "    retentionDays: logRetentionDays\n", "", "parameter retentionDays is not given"),
    Mutation("a parameter is of another kind", "infra/large.parameters.json", '"value": 120', '"value": "120"', "maximumInstanceCount is a int"),
    Mutation("a size that is not offered", "infra/large.parameters.json", '"value": 4096', '"value": 8192', "instanceMemoryMB cannot be 8192"),
    Mutation("too few instances", "infra/main.parameters.json", '"value": 40', '"value": 10', "maximumInstanceCount cannot be 10"),
    Mutation("a name that is not declared", _EVENTS, "output topicName string = topicName", "output topicName string = topic_name", "topic_name is not declared"),
    Mutation("a secret in a parameter file", "infra/main.parameters.json", "${DEIDENTIFY_SECRET}", "correct-horse-battery", "deidentifySecret stands in the file"),
    Mutation("a module from a registry", _MAIN, "'modules/budget.bicep'", "'br/public:avm/res/consumption/budget:0.3.5'", "outside of the dialect"),
    Mutation("an address of one cloud", "infra/modules/dicom-service.bicep", "service.properties.serviceUrl", "'https://x.dicom.azurehealthcareapis.azure.com'", "takes an address for granted"),
    Mutation("host.json: a key that there is not", "host.json", '"batchSize"', '"batchsize"', "host.json"),
    Mutation("host.json: no delay after a failure", "host.json", '"visibilityTimeout": "00:00:15"', '"visibilityTimeout": "00:00:00"', "visibilityTimeout"),
    Mutation("host.json: a narrow bundle", "host.json", "[4.0.0, 5.0.0)", "[4.38.0, 4.39.0)", "extensionBundle.version"),
    Mutation("host.json: a prefix", "host.json", '"routePrefix": ""', '"routePrefix": "api"', "routePrefix"),
    Mutation("host.json: plain messages", "host.json", '"base64"', '"none"', "messageEncoding"),
    Mutation("host.json: too many at once", "host.json", '"batchSize": 8', '"batchSize": 32', "batchSize"),
    Mutation("azd looks for another service", "azure.yaml", "  archive:", "  api:", "azure.yaml has the services"),
    Mutation("the package without the app", ".funcignore", "\ntests\n", "\ntests\nshared\n", "keeps back shared/"),
    Mutation("local settings in the package", ".funcignore", "local.settings*.json\n", "", "lets local.settings.json"),
    Mutation("a sample setting that there is not", "local.settings.sample.json", "DICOM_BLOB_EVENTS", "DICOM_EVENTS", "DICOM_EVENTS is no setting"),
)  # fmt: skip

MUTATIONS: Final = (*OF_THE_CODE, *OF_STORAGE, *OF_THE_APP, *OF_GRANTS, *OF_FILES)
