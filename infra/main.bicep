// The whole archive from nothing, in one deployment: resource group, identity, storage, events, app, telemetry, alerts.
// docs/deploying.md says how. Plain resources in one dialect, so that public parsers read every line.
targetScope = 'subscription'

@description('Name of this archive. Names of resources are made of it.')
@minLength(1)
@maxLength(24)
param environmentName string

@description('Azure region. It has to offer Flex Consumption.')
@minLength(1)
param location string

@description('Containers whose blobs are indexed where they lie. Each gets its own subscription to events.')
param watchedContainers array = ['images']

// Sizes. The defaults are those of a small archive; large.parameters.json has another set.

@description('Memory of an instance in MB: 2048 is one core, 4096 two. Less than 2048 is too little to transcode in.')
@allowed([2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances of the app. 40 is the least that the platform takes; what lies behind is protected by host.json.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

// Python's default is 1: an instance for each request that is under way. Handlers are asynchronous and stream, so a request
// that waits for storage costs little; 16 a core is what other languages have. Decoding goes to threads of its own.
@description('HTTP requests that one instance answers at a time.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

// Without an instance that waits, the first message after a pause is noticed after 30 s to 2 min, and the first request
// pays for a cold start. The other functions can wait: nobody looks at them.
@description('Instances that always wait for HTTP requests. 0 saves their baseline price; zone redundancy needs 2.')
@minValue(0)
param alwaysReadyHttp int = 1

@description('Instances that always wait for events of new blobs.')
@minValue(0)
param alwaysReadyEvents int = 1

// The app refuses beyond this with 413. The host's own limit (100 MB unless set) answers 500 instead, so it is set a little
// higher. Azure cuts a request that lasts over 230 s, whatever its size: beyond some GB upload to a watched container.
@description('Largest body of STOW-RS in bytes.')
@minValue(1048576)
param maxStoreBytes int = 2147483648

@description('Redundancy of the storage accounts.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@description('Whether the plan spreads its instances over zones.')
param zoneRedundant bool = false

@description('Days for which deleted and overwritten blobs can be had back. They are stored, and paid for, that long.')
@minValue(1)
@maxValue(365)
param retentionDays int = 14

@description('Days after which objects go to the cool tier; 0: never. Cool is cheaper to keep and dearer to read.')
@minValue(0)
param coolAfterDays int = 0

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('GB of logs a day, after which collecting stops and an alert is raised.')
@minValue(1)
param dailyCapGb int = 1

// Who may call.

@description('Who may call: who has a key of the function app, or who bears a token of Entra ID with a role. See docs/access.md.')
@allowed(['function', 'entra'])
param access string = 'function'

@description('Id of the directory whose tokens are taken.')
param entraTenant string = ''

@description('What tokens must be for: the app registration\'s id and its URI, separated by commas.')
param entraAudiences string = ''

@description('Origins whose pages may call, separated by commas.')
param corsOrigins string = ''

// What is optional.

@description('Where alerts go; empty: they are only shown.')
param alertEmail string = ''

@description('Whether storage is reached through a private network only.')
param privateNetwork bool = false

@description('Whether a service of Azure Health Data Services (DICOM) is made beside the archive.')
param azureDicomService bool = false

@description('Whether a static website for the viewer is made.')
param viewerWebsite bool = false

@description('URL of Elasticsearch, without credentials; empty: no search index.')
param elasticsearchUrl string = ''

@description('URL of an Azure DICOM service that the archive stands in front of; empty: none. The identity needs a role there.')
param upstreamUrl string = ''

@description('API key for it. It is kept in a key vault.')
@secure()
param elasticsearchApiKey string = ''

@description('What pseudonyms are made of, 16 characters at least; empty: nothing is de-identified. It is kept in a key vault.')
@secure()
param deidentifySecret string = ''

@description('Whether a key vault is made for further secrets; the two above make one by themselves.')
param keyVault bool = false

@description('Further settings of the app, by name: a deployment replaces them all. Secrets as references to the key vault.')
param extraSettings object = {}

@description('An Event Grid system topic of the data account that exists already; empty: one is made. An account has one at most.')
param existingTopicName string = ''

@description('Amount a month, in the currency of the subscription, at which the budget warns; 0: no budget.')
@minValue(0)
param monthlyBudget int = 0

@description('First day of the budget. A budget that exists keeps its first day.')
param budgetStart string = '2026-12-01'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = {
  'azd-env-name': environmentName
}
var hasVault = keyVault || !empty(elasticsearchApiKey) || !empty(deidentifySecret)

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: logRetentionDays
    dailyCapGb: dailyCapGb
    principalId: identity.outputs.principalId
    identityName: identity.outputs.name
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    sku: storageSku
    privateNetwork: privateNetwork
    watchedContainers: watchedContainers
    retentionDays: retentionDays
    coolAfterDays: coolAfterDays
    corsOrigins: corsOrigins
    existingTopicName: existingTopicName
    principalId: identity.outputs.principalId
    identityName: identity.outputs.name
  }
}

module secrets 'modules/secrets.bicep' = if (hasVault) {
  name: 'secrets'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    identityName: identity.outputs.name
    elasticsearchApiKey: elasticsearchApiKey
    deidentifySecret: deidentifySecret
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  scope: group
  params: {
    name: 'func-${token}'
    location: location
    tags: tags
    identityName: identity.outputs.name
    hostAccountName: storage.outputs.hostAccountName
    packageContainerName: storage.outputs.packageContainerName
    dataAccountName: storage.outputs.dataAccountName
    insightsName: monitoring.outputs.insightsName
    vaultName: hasVault ? 'kv-${token}' : ''
    hasElasticsearchApiKey: !empty(elasticsearchApiKey)
    hasDeidentifySecret: !empty(deidentifySecret)
    networkName: privateNetwork ? 'vnet-${token}' : ''
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyEvents: alwaysReadyEvents
    zoneRedundant: zoneRedundant
    maxStoreBytes: maxStoreBytes
    watchedContainers: watchedContainers
    access: access
    entraTenant: entraTenant
    entraAudiences: entraAudiences
    corsOrigins: corsOrigins
    viewerOrigin: viewerWebsite ? viewer.outputs.origin : ''
    viewerUrl: viewerWebsite ? viewer.outputs.url : ''
    elasticsearchUrl: elasticsearchUrl
    upstreamUrl: upstreamUrl
    extraSettings: extraSettings
  }
  dependsOn: [secrets]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    email: alertEmail
    appName: app.outputs.name
    topicName: storage.outputs.topicName
    workspaceName: monitoring.outputs.workspaceName
  }
}

module dicomService 'modules/dicom-service.bicep' = if (azureDicomService) {
  name: 'dicom-service'
  scope: group
  params: {
    workspaceName: 'ahds${token}'
    location: location
    tags: tags
    privateNetwork: privateNetwork
    principalId: identity.outputs.principalId
    identityName: identity.outputs.name
  }
}

module viewer 'modules/viewer.bicep' = if (viewerWebsite) {
  name: 'viewer'
  scope: group
  params: {
    name: 'stview${token}'
    location: location
    tags: tags
  }
}

module budget 'modules/budget.bicep' = if (monthlyBudget > 0) {
  name: 'budget'
  scope: group
  params: {
    amount: monthlyBudget
    startDate: budgetStart
    email: alertEmail
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_ARCHIVE_NAME string = app.outputs.name
output SERVICE_ARCHIVE_URI string = app.outputs.uri
output KEY_VAULT_NAME string = hasVault ? 'kv-${token}' : ''
output DATA_ACCOUNT_NAME string = storage.outputs.dataAccountName
