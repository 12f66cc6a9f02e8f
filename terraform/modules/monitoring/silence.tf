# What is heard as long as all is well. Missing data are the alarm.
locals {
  silences = merge(
    {
      for service in var.services : "no-${service}" => {
        description = "The service ${service} has no running task"
        namespace   = "AWS/ECS"
        metric      = "CPUUtilization" # each running task reports it once a minute
        dimensions  = { ClusterName = var.cluster_name, ServiceName = service }
        statistic   = "SampleCount"
        period      = 60
        periods     = 10
      }
    },
    {
      daemon-silent = {
        description = "The daemon has not written a line for half an hour: no sensor, no schedule, no run is started"
        namespace   = "AWS/Logs"
        metric      = "IncomingLogEvents"
        dimensions  = { LogGroupName = var.log_groups["daemon"] }
        statistic   = "Sum"
        period      = 300
        periods     = 6
      }
      no-fresh-forecast = {
        description = "No forecast has been made for 26 hours"
        namespace   = local.own_namespace
        metric      = aws_cloudwatch_log_metric_filter.run["forecasts-made"].metric_transformation[0].name
        dimensions  = {}
        statistic   = "Sum"
        period      = 3600
        periods     = 26
      }
    },
  )

  # What a night sets off, and what is heard through one alarm where there are nights.
  of_a_night = concat(
    [for alarm in aws_cloudwatch_metric_alarm.silence : alarm.alarm_name],
    [aws_cloudwatch_metric_alarm.errors[local.nothing_behind].alarm_name],
  )
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  for_each = local.silences

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description}. docs/operations.md says what to do."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"

  # One that sleeps by the clock is heard through the alarm below.
  alarm_actions = var.sleeps ? [] : [var.topic_arn]
  ok_actions    = var.sleeps ? [] : [var.topic_arn]
}

# On while the database is stopped. Nobody is told.
resource "aws_cloudwatch_metric_alarm" "asleep" {
  count = var.sleeps ? 1 : 0

  alarm_name          = "${var.name}-asleep"
  alarm_description   = "The database is stopped, as it is at night; no cause for concern"
  namespace           = "AWS/RDS"
  metric_name         = "CPUUtilization"
  dimensions          = { DBInstanceIdentifier = var.database_identifier }
  statistic           = "SampleCount"
  period              = 60
  evaluation_periods  = 10
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
}

resource "aws_cloudwatch_composite_alarm" "silence" {
  count = var.sleeps ? 1 : 0

  alarm_name        = "${var.name}-silence"
  alarm_description = "Something has fallen silent, or has nothing behind it, while the database is awake: see which of ${join(", ", local.of_a_night)} is on. docs/operations.md says what to do."
  alarm_rule        = join(" OR ", [for alarm in local.of_a_night : "ALARM(\"${alarm}\")"])
  alarm_actions     = [var.topic_arn]
  ok_actions        = [var.topic_arn]

  actions_suppressor {
    alarm = aws_cloudwatch_metric_alarm.asleep[0].alarm_name

    # In the evening services stop before the database, in the morning they come after it; the first forecast of a week
    # is made two hours later.
    wait_period      = 3600
    extension_period = 10800
  }
}
