// What somebody has to hear of: messages given up, messages that wait, events not delivered, errors, and logs cut off.
param token string
param location string
param tags object
param email string
param appName string
param topicName string
param workspaceName string

// A message that could not be handled in five attempts was moved to a poison queue; reconciling makes good for most.
var poisonQuery = '''
StorageQueueLogs
| where OperationName == 'PutMessage' and toint(StatusCode) < 300
| extend queue = extract('://[^/]+/([^/?]+)', 1, Uri)
| where queue endswith '-poison'
'''

// A queue took in more until a quarter of an hour ago than was finished since: its oldest message waits that long at least.
var ageQuery = '''
StorageQueueLogs
| where OperationName in ('PutMessage', 'DeleteMessage') and toint(StatusCode) < 300
| extend queue = extract('://[^/]+/([^/?]+)', 1, Uri)
| where not(queue endswith '-poison')
| summarize taken = countif(OperationName == 'PutMessage' and TimeGenerated < ago(15m)), finished = countif(OperationName == 'DeleteMessage') by queue
| where taken > finished
'''

var capQuery = '''
_LogOperation
| where Category =~ 'Ingestion' and Detail has 'OverQuota'
'''

var logAlerts = [
  {
    name: 'poison'
    description: 'Messages were moved to a poison queue. Read why in the log of the function, mend it, and send them again.'
    severity: 1
    query: poisonQuery
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'queue-age'
    description: 'Messages wait in a queue for more than a quarter of an hour. The app is stopped, fails, or has too few instances.'
    severity: 2
    query: ageQuery
    every: 'PT15M'
    window: 'PT1H'
  }
  {
    name: 'daily-cap'
    description: 'No more logs are collected today: the daily cap is reached.'
    severity: 2
    query: capQuery
    every: 'PT1H'
    window: 'PT1H'
  }
]

var eventMetrics = [
  {
    name: 'event-dead-letters'
    metric: 'DeadLetteredCount'
    severity: 1
    threshold: 0
    description: 'Events of blobs were given up and lie in the container dead-letters. Reconciling finds their blobs.'
  }
  {
    name: 'event-deliveries-failed'
    metric: 'DeliveryAttemptFailCount'
    severity: 2
    threshold: 10
    description: 'Event Grid cannot write to the queue blob-events. See the roles of its identity and the network rules.'
  }
]

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topicName
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: appName
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'dicom'
    enabled: true
    emailReceivers: empty(email) ? [] : [
      {
        name: 'operators'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

// The log's tables are there once something was logged, so the queries are not checked when they are made.
resource byLog 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for alert in logAlerts: {
  name: 'alert-${alert.name}-${token}'
  location: location
  tags: tags
  properties: {
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [
      workspace.id
    ]
    evaluationFrequency: alert.every
    windowSize: alert.window
    skipQueryValidation: true
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]

resource byTopic 'Microsoft.Insights/metricAlerts@2018-03-01' = [for alert in eventMetrics: {
  name: 'alert-${alert.name}-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: alert.description
    severity: alert.severity
    enabled: true
    scopes: [
      topic.id
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'count'
          metricName: alert.metric
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: alert.threshold
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}]

resource serverErrors 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'alert-server-errors-${token}'
  location: 'global'
  tags: tags
  properties: {
    description: 'Requests are answered with 5xx. The log of the function says why; a caller is never to blame for one.'
    severity: 2
    enabled: true
    scopes: [
      app.id
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          criterionType: 'StaticThresholdCriterion'
          name: 'count'
          metricName: 'Http5xx'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 5
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}
