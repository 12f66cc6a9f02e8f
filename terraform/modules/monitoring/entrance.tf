locals {
  nothing_behind = "HTTPCode_ELB_5XX_Count"
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = {
    (local.nothing_behind)    = "The load balancer answers with errors of its own: nothing behind it, or nothing well"
    HTTPCode_Target_5XX_Count = "A page answers with errors"
  }

  alarm_name          = "${var.name}-${lower(replace(each.key, "_", "-"))}"
  alarm_description   = "${each.value}. docs/operations.md says what to do."
  namespace           = "AWS/ApplicationELB"
  metric_name         = each.key
  dimensions          = { LoadBalancer = var.load_balancer_suffix }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  treat_missing_data  = "notBreaching" # it is only written when there is one

  # With nothing behind it, as at night, the load balancer answers with 503: silence.tf tells of it.
  alarm_actions = var.sleeps && each.key == local.nothing_behind ? [] : [var.topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  for_each = var.target_group_suffixes

  alarm_name          = "${var.name}-unhealthy-${each.key}"
  alarm_description   = "A task of the page ${each.key} does not answer as it should. docs/operations.md says what to do."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = var.load_balancer_suffix, TargetGroup = each.value }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 10
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # without a task; that has an alarm of its own
  alarm_actions       = [var.topic_arn]
  ok_actions          = [var.topic_arn]
}
