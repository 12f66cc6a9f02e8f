data "aws_region" "current" {}

locals {
  # Two columns of charts, each of a title and its metrics.
  charts = [
    { title = "CPU of services, %", statistic = "Average", metrics = [for service in var.services : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service]] },
    { title = "Memory of services, %", statistic = "Maximum", metrics = [for service in var.services : ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", service]] },
    { title = "Runs that failed, forecasts that were made", statistic = "Sum", metrics = [for filter in aws_cloudwatch_log_metric_filter.run : [local.own_namespace, filter.metric_transformation[0].name]] },
    { title = "Lines of the daemon's log", statistic = "Sum", metrics = [["AWS/Logs", "IncomingLogEvents", "LogGroupName", var.log_groups["daemon"]]] },
    { title = "Connections to the database", statistic = "Maximum", metrics = [["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", var.database_identifier]] },
    { title = "CPU of the database, %, and its credits", statistic = "Average", metrics = [for metric in ["CPUUtilization", "CPUCreditBalance"] : ["AWS/RDS", metric, "DBInstanceIdentifier", var.database_identifier]] },
    { title = "Free disk of the database, bytes", statistic = "Minimum", metrics = [["AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", var.database_identifier]] },
    { title = "Requests, and answers of 5xx", statistic = "Sum", metrics = [for metric in ["RequestCount", "HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"] : ["AWS/ApplicationELB", metric, "LoadBalancer", var.load_balancer_suffix]] },
  ]
}

# The first three dashboards of an account are free.
resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [
      for index, chart in local.charts : {
        type   = "metric"
        x      = 12 * (index % 2)
        y      = 6 * floor(index / 2)
        width  = 12
        height = 6
        properties = {
          title   = chart.title
          region  = data.aws_region.current.region
          view    = "timeSeries"
          stat    = chart.statistic
          period  = 300
          metrics = chart.metrics
        }
      }
    ]
  })
}
