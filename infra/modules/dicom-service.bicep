// Azure's own DICOM service, beside the archive: to copy from, or to compare with.
param workspaceName string
param location string
param tags object
param privateNetwork bool
param principalId string
param identityName string

var dicomDataOwner = '58a3b984-7adf-4c20-983a-32417c86fbc8'

resource workspace 'Microsoft.HealthcareApis/workspaces@2024-03-31' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource service 'Microsoft.HealthcareApis/workspaces/dicomservices@2024-03-31' = {
  parent: workspace
  name: 'dicom'
  location: location
  tags: tags
  properties: {
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    enableDataPartitions: true
  }
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource owns 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(service.id, identity.id, dicomDataOwner)
  scope: service
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', dicomDataOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output url string = service.properties.serviceUrl
