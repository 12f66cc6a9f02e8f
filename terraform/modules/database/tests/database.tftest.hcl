mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name               = "celec-test"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_id  = "sg-1"
  boundary_arn       = "arn:aws:iam::123456789012:policy/celec-test-boundary"
  instance_class     = "db.t4g.micro"
  storage_gb         = 20
  protected          = true
  log_retention_days = 14
}

run "protected" {
  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.backup_retention_period == 7
    error_message = "The database outlives a mistake."
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.storage_encrypted
    error_message = "The database is private and encrypted."
  }

  assert {
    condition     = contains([for parameter in aws_db_parameter_group.this.parameter : "${parameter.name}=${parameter.value}"], "rds.force_ssl=1")
    error_message = "Nobody speaks to it without TLS."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null
    error_message = "RDS makes the administrator's password; Terraform never knows it."
  }

  assert {
    condition     = length(aws_scheduler_schedule.night) == 0 && length(aws_iam_role.night) == 0
    error_message = "Without a night nothing stops it."
  }
}

run "a_night" {
  variables {
    protected = false
    night     = { database_start = "cron(40 5 ? * MON-FRI *)", database_stop = "cron(20 19 ? * MON-FRI *)", timezone = "America/Guayaquil" }
  }

  assert {
    condition     = aws_scheduler_schedule.night["stop"].target[0].arn == "arn:aws:scheduler:::aws-sdk:rds:stopDBInstance" && jsondecode(aws_scheduler_schedule.night["stop"].target[0].input).DbInstanceIdentifier == "celec-test"
    error_message = "The evening stops this instance. The scheduler writes DbInstanceIdentifier so."
  }

  assert {
    condition     = alltrue([for schedule in aws_scheduler_schedule.night : schedule.schedule_expression_timezone == "America/Guayaquil"])
    error_message = "By Ecuador's clock."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.night.statement) == 1 && toset(data.aws_iam_policy_document.night.statement[0].actions) == toset(["rds:StopDBInstance", "rds:StartDBInstance"])
    error_message = "The schedule may do nothing else."
  }
}
