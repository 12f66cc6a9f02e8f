locals {
  # The morning brings back what scaling.tf allows.
  hours = var.common.night == null || !var.common.started ? {} : {
    stop  = { schedule = var.common.night.services_stop, least = 0, most = 0 }
    start = { schedule = var.common.night.services_start, least = 1, most = local.most }
  }
}

resource "aws_appautoscaling_scheduled_action" "night" {
  for_each = local.hours

  name               = "${var.common.prefix}-${var.name}-${each.key}"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id
  schedule           = each.value.schedule
  timezone           = var.common.night.timezone

  scalable_target_action {
    min_capacity = each.value.least
    max_capacity = each.value.most
  }

  lifecycle {
    replace_triggered_by = [aws_appautoscaling_target.this]
  }
}
