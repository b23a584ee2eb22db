// The few secrets that identities cannot replace. The app reads them as references in its settings.
param name string
param location string
param tags object
param principalId string
param identityName string
@secure()
param elasticsearchApiKey string
@secure()
param deidentifySecret string

var keyVaultSecretsUser = '4633458b-17de-408a-b874-0445c86b69e6'

// It stays reachable behind a private network: the platform resolves the references, and is not certain to do so through
// the app's network. Who asks needs the role all the same.
resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    publicNetworkAccess: 'Enabled'
  }
}

resource apiKey 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(elasticsearchApiKey)) {
  parent: vault
  name: 'elasticsearch-api-key'
  properties: {
    value: elasticsearchApiKey
  }
}

resource pseudonyms 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(deidentifySecret)) {
  parent: vault
  name: 'deidentify-secret'
  properties: {
    value: deidentifySecret
  }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource reads 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
