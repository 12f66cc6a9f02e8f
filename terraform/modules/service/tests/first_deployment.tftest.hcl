mock_provider "aws" {
  source = "../../mocks"
}

variables {
  common = {
    prefix     = "celec-test"
    cluster    = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/celec-test", name = "celec-test", namespace_id = "ns-1" }
    subnet_ids = ["subnet-1", "subnet-2"]
    started    = false
    night      = { services_start = "cron(0 6 ? * MON-FRI *)", services_stop = "cron(0 19 ? * MON-FRI *)", timezone = "America/Guayaquil" }
  }
  name                = "pages"
  task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/celec-test-pages:1"
  security_group_id   = "sg-1"
  most_tasks          = 2
}

run "not_started" {
  assert {
    condition     = aws_ecs_service.this.desired_count == 0
    error_message = "Without an image and tables a task would only fail."
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_scheduled_action.night) == 0 && length(aws_cloudwatch_metric_alarm.cpu) == 0
    error_message = "Neither an alarm nor the morning may wake it before there are tables."
  }
}

run "started" {
  variables {
    common = {
      prefix     = "celec-test"
      cluster    = { arn = "arn:aws:ecs:us-east-1:123456789012:cluster/celec-test", name = "celec-test", namespace_id = "ns-1" }
      subnet_ids = ["subnet-1", "subnet-2"]
      started    = true
      night      = { services_start = "cron(0 6 ? * MON-FRI *)", services_stop = "cron(0 19 ? * MON-FRI *)", timezone = "America/Guayaquil" }
    }
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 0
    error_message = "scripts/deploy.sh starts it; Terraform leaves alone how many tasks there are."
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 1 && length(aws_appautoscaling_scheduled_action.night) == 2
    error_message = "From now on it scales and sleeps."
  }
}
