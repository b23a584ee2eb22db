// What somebody has to hear of: messages given up, messages that wait, events not delivered, errors, and logs cut off.
param token string
param location string
param tags object
param email string
param appName string
param topicName string
param workspaceName string

// The queries read what the app measures, under the names of docs/telemetry.md: Azure itself measures only all queues of an
// account together, once an hour, and its log of them costs a row for each message.
// Kept is what was tried once more in vain; failed is of a job, whose poison queue has a trigger that empties it at once.
var poisonQuery = '''
AppMetrics
| where (Name == 'dicom.poison' and tostring(Properties['dicom.outcome']) in ('kept', 'failed') and Sum > 0)
    or (Name == 'dicom.queue.age' and tostring(Properties['dicom.queue']) endswith '-poison' and Sum > 900)
'''

var ageQuery = '''
AppMetrics
| where Name == 'dicom.queue.age' and not(tostring(Properties['dicom.queue']) endswith '-poison') and Sum > 900
'''

var silenceQuery = '''
AppMetrics
| where Name == 'dicom.queue.messages'
'''

var capQuery = '''
_LogOperation
| where Category =~ 'Ingestion' and Detail has 'OverQuota'
'''

var logAlerts = [
  {
    name: 'poison'
    description: 'Messages were given up. GET /poison and the status of jobs (GET /jobs) say why; mend it, and POST /poison/{queue} sends them again.'
    severity: 1
    query: poisonQuery
    operator: 'GreaterThan'
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'queue-age'
    description: 'A message waits in a queue for more than a quarter of an hour. Its function fails, or has too few instances.'
    severity: 2
    query: ageQuery
    operator: 'GreaterThan'
    every: 'PT15M'
    window: 'PT15M'
  }
  {
    name: 'silence'
    description: 'The app has not measured its queues for half an hour. It is stopped, or cannot start, or no telemetry arrives.'
    severity: 1
    query: silenceQuery
    operator: 'LessThanOrEqual'
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    name: 'daily-cap'
    description: 'No more logs are collected today: the daily cap is reached.'
    severity: 2
    query: capQuery
    operator: 'GreaterThan'
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
          operator: alert.operator
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
