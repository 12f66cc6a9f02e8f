locals {
  database = {
    database-storage = {
      description = "The database has less than 2 GB of disk left"
      metric      = "FreeStorageSpace"
      statistic   = "Minimum"
      comparison  = "LessThanThreshold"
      threshold   = 2 * 1024 * 1024 * 1024
    }
    database-connections = {
      description = "The database has more than 60 connections, of about 80 that an instance of 1 GB of memory takes"
      metric      = "DatabaseConnections"
      statistic   = "Maximum"
      comparison  = "GreaterThanThreshold"
      threshold   = 60
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "database" {
  for_each = local.database

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description}. docs/operations.md says what to do."
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = { DBInstanceIdentifier = var.database_identifier }
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 2
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching" # it may be stopped
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}
