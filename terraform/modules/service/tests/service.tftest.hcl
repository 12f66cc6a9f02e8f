mock_provider "aws" {
  source = "../../mocks"
}

variables {
  common = {
    prefix     = "celec-test"
    cluster    = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/celec-test", name = "celec-test", namespace_id = "ns-1" }
    subnet_ids = ["subnet-1", "subnet-2"]
    started    = true
    night      = null
  }
  name                = "pages"
  task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/celec-test-pages:1"
  security_group_id   = "sg-1"
}

run "one_that_must_not_run_twice" {
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 0 && aws_ecs_service.this.deployment_maximum_percent == 100
    error_message = "The old daemon is stopped before the new one starts."
  }

  assert {
    condition     = aws_ecs_service.this.availability_zone_rebalancing == "DISABLED"
    error_message = "To move it between zones ECS would start a second one first."
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "A deployment that does not come up is rolled back: there is never none for long."
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0
    error_message = "Nothing scales it."
  }
}

run "one_that_scales" {
  variables {
    most_tasks    = 2
    found_by_name = true
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "The new task is there before the old one goes."
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 1 && aws_appautoscaling_target.this[0].max_capacity == 2
    error_message = "One to two."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.cpu["out"].threshold == 70 && aws_appautoscaling_policy.cpu["out"].step_scaling_policy_configuration[0].step_adjustment != [] &&
      aws_cloudwatch_metric_alarm.cpu["in"].threshold == 30 && aws_cloudwatch_metric_alarm.cpu["in"].comparison_operator == "LessThanThreshold"
    )
    error_message = "Out above 70 %, in below 30 %."
  }

  assert {
    condition     = one(aws_appautoscaling_policy.cpu["in"].step_scaling_policy_configuration[0].step_adjustment).scaling_adjustment == -1 && one(aws_appautoscaling_policy.cpu["out"].step_scaling_policy_configuration[0].step_adjustment).scaling_adjustment == 1
    error_message = "By one task at a time."
  }

  assert {
    condition     = aws_service_discovery_service.this[0].name == "pages"
    error_message = "It is found as pages.<namespace>."
  }
}

run "one_that_sleeps" {
  variables {
    most_tasks = 2
    common = {
      prefix     = "celec-test"
      cluster    = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/celec-test", name = "celec-test", namespace_id = "ns-1" }
      subnet_ids = ["subnet-1", "subnet-2"]
      started    = true
      night      = { services_start = "cron(0 6 ? * MON-FRI *)", services_stop = "cron(0 19 ? * MON-FRI *)", timezone = "America/Guayaquil" }
    }
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.night["stop"].scalable_target_action[0].max_capacity == "0"
    error_message = "The evening takes the last task."
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.night["start"].scalable_target_action[0].min_capacity == "1" && aws_appautoscaling_scheduled_action.night["start"].scalable_target_action[0].max_capacity == "2"
    error_message = "The morning brings back what there was."
  }

  assert {
    condition     = alltrue([for action in aws_appautoscaling_scheduled_action.night : action.timezone == "America/Guayaquil"])
    error_message = "By Ecuador's clock."
  }
}
