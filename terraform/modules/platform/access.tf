# What several roles may; a role's own part stands beside its service.

# What runs print: S3ComputeLogManager.
data "aws_iam_policy_document" "write_logs_of_runs" {
  statement {
    sid       = "WriteLogsOfRuns"
    actions   = ["s3:PutObject"]
    resources = ["${module.storage.bucket_arns["logs"]}/dagster-logs/*"]
  }
}

# The launcher asks about tasks, and stops them: the button in the UI, and run monitoring.
data "aws_iam_policy_document" "watch_runs" {
  statement {
    sid       = "KnowTheTaskDefinition"
    actions   = ["ecs:DescribeTaskDefinition"]
    resources = ["*"] # the action knows no resources
  }

  statement {
    sid       = "WatchAndStopTasks"
    actions   = ["ecs:DescribeTasks", "ecs:StopTask"]
    resources = ["arn:aws:ecs:${local.here}:task/${module.cluster.name}/*"] # a task has a name of its own
  }
}

data "aws_iam_policy_document" "start_runs" {
  statement {
    sid       = "StartRuns"
    actions   = ["ecs:RunTask"]
    resources = ["${module.run.family_arn}:*"] # any revision: services may be rolled back

    condition {
      test     = "ArnEquals"
      variable = "ecs:cluster"
      values   = [module.cluster.arn]
    }
  }

  statement {
    sid       = "NameTheRunOnItsTask"
    actions   = ["ecs:TagResource"]
    resources = ["arn:aws:ecs:${local.here}:task/${module.cluster.name}/*"] # a task has a name of its own

    condition {
      test     = "StringEquals"
      variable = "ecs:CreateAction"
      values   = ["RunTask"]
    }
  }

  statement {
    sid       = "GiveRunsTheirRoles"
    actions   = ["iam:PassRole"]
    resources = module.run.role_arns

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

locals {
  here = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
}
