# The most that any role of the platform can ever have, whatever policies it is given. Workflows of GitHub may write roles
# and policies; without a boundary they could give themselves the account.
data "aws_iam_policy_document" "boundary" {
  statement {
    sid     = "OwnBuckets"
    actions = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketLocation"]
    # lake, artifacts and logs
    resources = ["arn:aws:s3:::${local.name}-*"]
  }

  statement {
    sid     = "OwnTasks"
    actions = ["ecs:RunTask", "ecs:TagResource", "ecs:DescribeTasks", "ecs:StopTask"]
    # any task, and any revision of a task definition, of this environment
    resources = [
      "arn:aws:ecs:${local.here}:task/${local.name}/*",
      "arn:aws:ecs:${local.here}:task-definition/${local.name}-*:*",
    ]
  }

  statement {
    sid       = "WhatKnowsNoResources"
    actions   = ["ecs:DescribeTaskDefinition", "ecr:GetAuthorizationToken"]
    resources = ["*"] # these actions know none
  }

  statement {
    sid       = "OwnImages"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["arn:aws:ecr:${local.here}:repository/${local.name}"]
  }

  statement {
    sid     = "OwnLogs"
    actions = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents"]
    # a group a container, a stream a task
    resources = ["arn:aws:logs:${local.here}:log-group:${local.log_group}/*"]
  }

  statement {
    sid     = "OwnSecrets"
    actions = ["secretsmanager:GetSecretValue"]
    # AWS ends names of secrets at random; RDS's own begin with rds!
    resources = [
      "arn:aws:secretsmanager:${local.here}:secret:${local.name}-*",
      "arn:aws:secretsmanager:${local.here}:secret:rds!db-*",
    ]
  }

  statement {
    sid       = "OwnAlerts"
    actions   = ["sns:Publish"]
    resources = ["arn:aws:sns:${local.here}:${local.name}-alerts"]
  }

  statement {
    sid       = "KeysThroughSnsOnly"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = ["arn:aws:kms:${local.here}:key/*"] # AWS names keys; the condition binds it

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["sns.${data.aws_region.current.region}.amazonaws.com"]
    }
  }

  statement {
    sid       = "OwnDatabase"
    actions   = ["rds:StopDBInstance", "rds:StartDBInstance"]
    resources = ["arn:aws:rds:${local.here}:db:${local.name}"]
  }

  statement {
    sid     = "RolesOfRuns"
    actions = ["iam:PassRole"]
    resources = [
      "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/${local.run_family}-task",
      "arn:aws:iam::${data.aws_caller_identity.current.account_id}:role/${local.run_family}-start",
    ]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "boundary" {
  name        = "${local.name}-boundary"
  description = "The most that any role of ${local.name} can have"
  policy      = data.aws_iam_policy_document.boundary.json
}
