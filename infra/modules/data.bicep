// The storage account of the data, and everything in it that the app expects to be there: the app makes nothing itself.
// What stands in these lists is compared with what the code names (tests/unit/infra): add to both or to neither.
param name string
param location string
param tags object
param sku string
param privateNetwork bool
param watchedContainers array
param retentionDays int
param coolAfterDays int
param corsOrigins string

var eventQueueName = 'blob-events'
var deadLetterContainerName = 'dead-letters'

// Each gets a queue of the same name with -poison behind it, for messages that were tried too often.
var queueNames = [
  eventQueueName
  'study-changed'
  'upstream-events'
  'deidentify'
  'imports'
  'uploads'
  'analytics'
  'sessions'
]

var containerNames = [
  'archive'
  'derived'
  'sessions'
  'rejected'
  'quarantine'
  'audit'
  deadLetterContainerName
]

var tableNames = [
  'objects'
  'instances'
  'series'
  'studies'
  'lookups'
  'instancelookups'
  'cases'
  'report'
  'changes'
  'checkpoints'
  'jobs'
]

// A replaced or deleted object can be had back for a while; without these rules its versions would stay for ever.
var forgetVersions = {
  name: 'forget-old-versions'
  type: 'Lifecycle'
  enabled: true
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
    }
    actions: {
      version: {
        delete: {
          daysAfterCreationGreaterThan: retentionDays
        }
      }
    }
  }
}
var watchedPrefixes = [for container in watchedContainers: '${container}/']
var coolDown = {
  name: 'cool-down'
  type: 'Lifecycle'
  enabled: true
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
      prefixMatch: concat(watchedPrefixes, [
        'archive/'
      ])
    }
    actions: {
      baseBlob: {
        tierToCool: {
          daysAfterModificationGreaterThan: coolAfterDays
        }
      }
    }
  }
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // Event Grid reaches the queue as a trusted service, past the rule that denies; with 'Disabled' that is not certain.
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: privateNetwork ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: retentionDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: retentionDays
    }
    cors: {
      corsRules: empty(corsOrigins) ? [] : [
        {
          allowedOrigins: split(corsOrigins, ',')
          allowedMethods: [
            'GET'
            'HEAD'
            'PUT'
            'OPTIONS'
          ]
          allowedHeaders: [
            '*'
          ]
          exposedHeaders: [
            '*'
          ]
          maxAgeInSeconds: 3600
        }
      ]
    }
  }
}

resource watched 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [for container in watchedContainers: {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' = [for container in containerNames: {
  parent: blobs
  name: container
  properties: {
    publicAccess: 'None'
  }
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2025-06-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: coolAfterDays > 0 ? [
        forgetVersions
        coolDown
      ] : [
        forgetVersions
      ]
    }
  }
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [for queue in queueNames: {
  parent: queueService
  name: queue
}]

resource poisonQueues 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' = [for queue in queueNames: {
  parent: queueService
  name: '${queue}-poison'
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-06-01' = {
  parent: account
  name: 'default'
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-06-01' = [for table in tableNames: {
  parent: tableService
  name: table
}]

output id string = account.id
output name string = account.name
output eventQueueName string = eventQueueName
output deadLetterContainerName string = deadLetterContainerName
