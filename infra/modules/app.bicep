// The function app on Flex Consumption, and its settings.
param name string
param location string
param tags object
param identityName string
param hostAccountName string
param packageContainerName string
param dataAccountName string
param insightsName string
param vaultName string
param hasElasticsearchApiKey bool
param hasDeidentifySecret bool
param networkName string
param instanceMemoryMB int
param maximumInstanceCount int
param httpConcurrency int
param alwaysReadyHttp int
param alwaysReadyEvents int
param zoneRedundant bool
param maxStoreBytes int
param watchedContainers array
param access string
param entraTenant string
param entraAudiences string
param corsOrigins string
param viewerOrigin string
param viewerUrl string
param elasticsearchUrl string
param upstreamUrl string
param extraSettings object

// All HTTP functions scale together as the group 'http'; each queue and timer scales alone, under the name of its function.
var readyHttp = alwaysReadyHttp > 0 ? [
  {
    name: 'http'
    instanceCount: alwaysReadyHttp
  }
] : []
var readyEvents = alwaysReadyEvents > 0 ? [
  {
    name: 'function:blob_event'
    instanceCount: alwaysReadyEvents
  }
] : []

// The host's limit on bodies lies above the app's own, which answers 413 where the host would answer 500.
var hostBodyLimit = maxStoreBytes + 16777216

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource hostAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: hostAccountName
}

resource dataAccount 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: dataAccountName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, {
    'azd-service-name': 'archive'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(networkName) ? null : resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app')
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostAccount.properties.primaryEndpoints.blob}${packageContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: concat(readyHttp, readyEvents)
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }
}

// Who deploys signs in with Entra ID: there is no password.
resource ftpCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmCredentials 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

var hostSettings = {
  AzureWebJobsStorage__blobServiceUri: hostAccount.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostAccount.properties.primaryEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: hostAccount.properties.primaryEndpoints.table
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  AZURE_CLIENT_ID: identity.properties.clientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
  FUNCTIONS_REQUEST_BODY_SIZE_LIMIT: string(hostBodyLimit)
}

// The connection that triggers and the app itself share, by the name that stands in the triggers.
var dataSettings = {
  DicomStorage__blobServiceUri: dataAccount.properties.primaryEndpoints.blob
  DicomStorage__queueServiceUri: dataAccount.properties.primaryEndpoints.queue
  DicomStorage__tableServiceUri: dataAccount.properties.primaryEndpoints.table
  DicomStorage__credential: 'managedidentity'
  DicomStorage__clientId: identity.properties.clientId
}

var allOrigins = empty(corsOrigins) ? viewerOrigin : (empty(viewerOrigin) ? corsOrigins : '${corsOrigins},${viewerOrigin}')
var appSettings = {
  DICOM_ACCESS: access
  DICOM_BLOB_EVENTS: 'queue'
  DICOM_OBJECT_STORE: 'azure'
  DICOM_WATCHED_CONTAINERS: join(watchedContainers, ',')
  DICOM_MAX_STORE_BYTES: string(maxStoreBytes)
  DICOM_CORS_ORIGINS: allOrigins
  DICOM_VIEWER_URL: viewerUrl
  DICOM_ELASTICSEARCH_URL: elasticsearchUrl
}

var entraSettings = access == 'entra' ? {
  DICOM_ENTRA_TENANT: entraTenant
  DICOM_ENTRA_AUDIENCES: entraAudiences
  DICOM_ENTRA_AUTHORITY: environment().authentication.loginEndpoint
} : {}
var elasticsearchSecret = hasElasticsearchApiKey ? {
  DICOM_ELASTICSEARCH_API_KEY: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=elasticsearch-api-key)'
} : {}
var deidentifySecret = hasDeidentifySecret ? {
  DICOM_DEIDENTIFY_SECRET: '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=deidentify-secret)'
} : {}

var upstream = empty(upstreamUrl) ? {} : {
  DICOM_UPSTREAM_URL: upstreamUrl
  DICOM_UPSTREAM_KIND: 'azure'
  DICOM_UPSTREAM_CREDENTIAL: 'managed_identity'
  DICOM_UPSTREAM_CLIENT_ID: identity.properties.clientId
}

resource settings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(hostSettings, dataSettings, appSettings, entraSettings, elasticsearchSecret, deidentifySecret, upstream, extraSettings)
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'
