data "aws_caller_identity" "current" {}

locals {
  secrets = concat(values(var.secrets), flatten([for container in values(var.containers) : values(container.secrets)]))
}

data "aws_iam_policy_document" "assumed_by_tasks" {
  statement {
    sid     = "TasksOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:aws:ecs:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:*"]
    }
  }
}

# What the program may. Who calls this module attaches it; without that, nothing.
resource "aws_iam_role" "task" {
  name                 = "${var.family}-task"
  description          = "What the containers of ${var.family} may"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_tasks.json
  permissions_boundary = var.common.boundary_arn
}

# What ECS needs to start it.
resource "aws_iam_role" "execution" {
  name                 = "${var.family}-start"
  description          = "What ECS may to start ${var.family}"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_tasks.json
  permissions_boundary = var.common.boundary_arn
}

data "aws_iam_policy_document" "execution" {
  statement {
    sid       = "LogInToRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"] # the action knows no resources
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [var.common.repository_arn]
  }

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = [for group in aws_cloudwatch_log_group.this : "${group.arn}:log-stream:*"] # a stream a task
  }

  dynamic "statement" {
    for_each = length(local.secrets) > 0 ? [distinct(local.secrets[*].arn)] : []

    content {
      sid       = "ReadSecrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = statement.value
    }
  }
}

resource "aws_iam_role_policy" "execution" {
  name   = "start"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.execution.json
}
