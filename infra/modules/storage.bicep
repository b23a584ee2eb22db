// Both storage accounts, who may do what with them, the events between data and app, and the network around all.
param token string
param location string
param tags object
param sku string
param privateNetwork bool
param watchedContainers array
param retentionDays int
param coolAfterDays int
param corsOrigins string
param existingTopicName string
param principalId string
param identityName string

module host 'host.bicep' = {
  name: 'host'
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    sku: sku
    privateNetwork: privateNetwork
    principalId: principalId
    identityName: identityName
  }
}

module data 'data.bicep' = {
  name: 'data'
  params: {
    name: 'stdata${token}'
    location: location
    tags: tags
    sku: sku
    privateNetwork: privateNetwork
    watchedContainers: watchedContainers
    retentionDays: retentionDays
    coolAfterDays: coolAfterDays
    corsOrigins: corsOrigins
  }
}

module roles 'data-roles.bicep' = {
  name: 'data-roles'
  params: {
    accountName: data.outputs.name
    principalId: principalId
    identityName: identityName
  }
}

module events 'events.bicep' = {
  name: 'events'
  params: {
    accountName: data.outputs.name
    location: location
    tags: tags
    existingTopicName: existingTopicName
    queueName: data.outputs.eventQueueName
    deadLetterContainerName: data.outputs.deadLetterContainerName
    watchedContainers: watchedContainers
  }
}

module network 'network.bicep' = if (privateNetwork) {
  name: 'network'
  params: {
    token: token
    location: location
    tags: tags
    accounts: [
      {
        name: data.outputs.name
        id: data.outputs.id
      }
      {
        name: host.outputs.name
        id: host.outputs.id
      }
    ]
  }
}

output dataAccountName string = data.outputs.name
output hostAccountName string = host.outputs.name
output packageContainerName string = host.outputs.packageContainerName
output topicName string = events.outputs.topicName
