locals {
  most = coalesce(var.most_tasks, 1)

  # Nothing scales what has not been started: an alarm or the morning would wake it before there are tables.
  busy   = var.common.started && local.most > 1
  scaled = local.busy || (var.common.started && var.common.night != null)

  steps = local.busy ? {
    out = { comparison = "GreaterThanThreshold", percent = 70, minutes = 3, adjustment = 1, wait_seconds = 180 }
    in  = { comparison = "LessThanThreshold", percent = 30, minutes = 15, adjustment = -1, wait_seconds = 300 }
  } : {}
}

resource "terraform_data" "limits" {
  input = { least = 1, most = local.most }
}

resource "aws_appautoscaling_target" "this" {
  count = local.scaled ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.common.cluster.name}/${aws_ecs_service.this.name}"
  min_capacity       = 1
  max_capacity       = local.most

  lifecycle {
    # At night both are 0. A plan at that hour is no reason to wake it.
    ignore_changes       = [min_capacity, max_capacity]
    replace_triggered_by = [terraform_data.limits]
  }
}

resource "aws_appautoscaling_policy" "cpu" {
  for_each = local.steps

  name               = "${var.name}-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = each.value.wait_seconds
    metric_aggregation_type = "Average"

    step_adjustment {
      scaling_adjustment          = each.value.adjustment
      metric_interval_lower_bound = each.key == "out" ? "0" : null
      metric_interval_upper_bound = each.key == "in" ? "0" : null
    }
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this] # it takes them with it
  }
}

# That of `in` is on most of the time: with one task there is nothing to take away. Nobody is told of either.
resource "aws_cloudwatch_metric_alarm" "cpu" {
  for_each = local.steps

  alarm_name          = "${var.common.prefix}-${var.name}-scale-${each.key}"
  alarm_description   = "Scales ${var.name} ${each.key}; no cause for concern"
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = var.common.cluster.name, ServiceName = aws_ecs_service.this.name }
  statistic           = "Average"
  comparison_operator = each.value.comparison
  threshold           = each.value.percent
  period              = 60
  evaluation_periods  = each.value.minutes
  treat_missing_data  = "missing"
  alarm_actions       = [aws_appautoscaling_policy.cpu[each.key].arn]
}
