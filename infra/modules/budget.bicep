// Warns when the month's cost nears an amount. It stops nothing.
param amount int
param startDate string
param email string

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
  name: 'archive'
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      nearlySpent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: empty(email) ? [] : [
          email
        ]
        contactRoles: [
          'Owner'
        ]
      }
      willBeSpent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: empty(email) ? [] : [
          email
        ]
        contactRoles: [
          'Owner'
        ]
      }
    }
  }
}
