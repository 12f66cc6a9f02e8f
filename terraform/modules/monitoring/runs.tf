# What runs say in their log.
locals {
  own_namespace = var.name

  said = {
    # Only failures that a run could still tell of; of a task that was killed the daemon tells, and the run is retried.
    runs-failed    = { log_group = var.log_groups["run"], pattern = "\"RUN_FAILURE\"" }
    forecasts-made = { log_group = var.log_groups["run"], pattern = "\"Materialized value flow_forecast\"" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "run" {
  for_each = local.said

  name           = "${var.name}-${each.key}"
  log_group_name = each.value.log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace = local.own_namespace
    name      = each.key
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "runs_failed" {
  alarm_name          = "${var.name}-runs-failed"
  alarm_description   = "A run has failed. docs/operations.md says what to do."
  namespace           = local.own_namespace
  metric_name         = aws_cloudwatch_log_metric_filter.run["runs-failed"].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topic_arn]
}
