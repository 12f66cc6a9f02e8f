# A stopped instance costs its disk only. RDS starts it by itself after seven days.
locals {
  calls = var.night == null ? {} : {
    stop  = { schedule = var.night.database_stop, action = "stopDBInstance" }
    start = { schedule = var.night.database_start, action = "startDBInstance" }
  }
}

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "assumed_by_scheduler" {
  statement {
    sid     = "SchedulesOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "night" {
  statement {
    sid       = "StopAndStartTheDatabase"
    actions   = ["rds:StopDBInstance", "rds:StartDBInstance"]
    resources = [aws_db_instance.this.arn]
  }
}

resource "aws_iam_role" "night" {
  count = var.night == null ? 0 : 1

  name                 = "${var.name}-night"
  description          = "Stops the database in the evening and starts it in the morning"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_scheduler.json
  permissions_boundary = var.boundary_arn
}

resource "aws_iam_role_policy" "night" {
  count = var.night == null ? 0 : 1

  name   = "stop-and-start-the-database"
  role   = aws_iam_role.night[0].id
  policy = data.aws_iam_policy_document.night.json
}

resource "aws_scheduler_schedule" "night" {
  #checkov:skip=CKV_AWS_297:A schedule holds the name of the database and no secret

  for_each = local.calls

  name                         = "${var.name}-database-${each.key}"
  description                  = "${each.value.action} by the clock"
  schedule_expression          = each.value.schedule
  schedule_expression_timezone = var.night.timezone

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = "arn:aws:scheduler:::aws-sdk:rds:${each.value.action}"
    role_arn = aws_iam_role.night[0].arn
    input    = jsonencode({ DbInstanceIdentifier = aws_db_instance.this.identifier })

    # While the instance is starting or being backed up it refuses: asked again until it is done.
    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 10
    }
  }
}
