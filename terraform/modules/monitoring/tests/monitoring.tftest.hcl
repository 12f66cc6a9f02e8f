mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                  = "celec-test"
  topic_arn             = "arn:aws:sns:us-east-1:123456789012:celec-test-alerts"
  cluster_name          = "celec-test"
  services              = ["orchestration", "pages", "webserver"]
  log_groups            = { daemon = "/celec/test/daemon", run = "/celec/test/run" }
  database_identifier   = "celec-test"
  load_balancer_suffix  = "app/celec-test/1"
  target_group_suffixes = { report = "targetgroup/celec-test-report/1" }
  sleeps                = false
}

run "awake" {
  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.silence)) == toset(["no-orchestration", "no-pages", "no-webserver", "daemon-silent", "no-fresh-forecast"])
    error_message = "Every service, the daemon and the forecasts are listened to."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.silence : alarm.treat_missing_data == "breaching" && alarm.alarm_actions == toset([var.topic_arn])])
    error_message = "Silence is told."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.silence : alarm.period * alarm.evaluation_periods <= 604800])
    error_message = "CloudWatch looks back a week at most."
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.silence) == 0
    error_message = "What never sleeps needs no alarm that knows the night."
  }
}

run "asleep_at_night" {
  variables {
    sleeps = true
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.silence : length(alarm.alarm_actions) == 0])
    error_message = "At night nobody is woken."
  }

  assert {
    condition     = aws_cloudwatch_composite_alarm.silence[0].actions_suppressor[0].alarm == aws_cloudwatch_metric_alarm.asleep[0].alarm_name
    error_message = "Silence is told only while the database is awake."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.silence : strcontains(aws_cloudwatch_composite_alarm.silence[0].alarm_rule, "ALARM(\"${alarm.alarm_name}\")")])
    error_message = "Of every silence."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.errors["HTTPCode_ELB_5XX_Count"].alarm_actions) == 0 && strcontains(aws_cloudwatch_composite_alarm.silence[0].alarm_rule, "ALARM(\"celec-test-httpcode-elb-5xx-count\")")
    error_message = "And of a load balancer that has nothing behind it."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.errors["HTTPCode_Target_5XX_Count"].alarm_actions == toset([var.topic_arn])
    error_message = "A page that answers with errors is awake, and told at once."
  }
}
