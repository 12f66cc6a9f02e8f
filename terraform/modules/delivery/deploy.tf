# What a deployment does, by subject: a policy holds 6,144 characters at most.
locals {
  deploy = {
    state    = data.aws_iam_policy_document.state.json
    network  = data.aws_iam_policy_document.network.json
    compute  = data.aws_iam_policy_document.compute.json
    data     = data.aws_iam_policy_document.data.json
    watching = data.aws_iam_policy_document.watching.json
    identity = data.aws_iam_policy_document.identity.json
  }
}

resource "aws_iam_policy" "deploy" {
  for_each = local.deploy

  name        = "${var.name}-github-deploy-${each.key}"
  description = "Deployment of ${var.name}: ${each.key}"
  policy      = each.value
}

data "aws_iam_policy_document" "state" {
  #checkov:skip=CKV_AWS_356:The statement with * changes nothing and reads no data of the platform; most of its actions know no resources

  statement {
    sid       = "ReadAndWriteTheStateAndItsLock"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    resources = [local.state_arn, "${local.state_arn}.tflock"]
  }

  statement {
    sid       = "FindTheState"
    actions   = ["s3:ListBucket"]
    resources = [local.state_bucket_arn]
  }

  # Terraform compares everything with what is there. These actions change nothing and read no data of the platform;
  # most of them know no resources.
  statement {
    sid = "CompareWithWhatIsThere"
    actions = [
      "application-autoscaling:Describe*",
      "application-autoscaling:ListTagsForResource",
      "budgets:ListTagsForResource",
      "budgets:ViewBudget",
      "cloudwatch:DescribeAlarms",
      "cloudwatch:GetDashboard",
      "cloudwatch:ListTagsForResource",
      "ec2:Describe*",
      "ecr:DescribeRepositories",
      "ecr:GetAuthorizationToken",
      "ecr:GetLifecyclePolicy",
      "ecr:ListTagsForResource",
      "ecs:Describe*",
      "ecs:ListTagsForResource",
      "ecs:ListTasks",
      "elasticloadbalancing:Describe*",
      "kms:DescribeKey",
      "kms:GetKeyPolicy",
      "kms:GetKeyRotationStatus",
      "kms:ListAliases",
      "kms:ListResourceTags",
      "logs:DescribeLogGroups",
      "logs:DescribeMetricFilters",
      "logs:ListTagsForResource",
      "rds:Describe*",
      "rds:ListTagsForResource",
      "route53:GetHostedZone",
      "route53:ListTagsForResource",
      "scheduler:GetSchedule",
      "scheduler:ListTagsForResource",
      "secretsmanager:DescribeSecret",
      "secretsmanager:GetResourcePolicy",
      "servicediscovery:GetNamespace",
      "servicediscovery:GetOperation",
      "servicediscovery:GetService",
      "servicediscovery:ListTagsForResource",
      "sns:GetSubscriptionAttributes",
      "sns:GetTopicAttributes",
      "sns:ListTagsForResource",
    ]
    resources = ["*"]
  }
}
