data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.region
  here       = "${local.region}:${local.account_id}"
  issuer     = "token.actions.githubusercontent.com" # terraform/bootstrap makes the provider

  # As terraform/bootstrap and scripts/deploy.sh name them.
  state_bucket_arn = "arn:aws:s3:::celec-terraform-${local.account_id}-${local.region}"
  state_arn        = "${local.state_bucket_arn}/${var.environment}.tfstate"

  # Who GitHub says is asking: of a repository that was made or renamed since July 2026, with the numbers of owner and
  # repository. An environment can ask for approval and bind branches; a pull request cannot have one.
  subjects = {
    deploy = "repo:${var.repository}:environment:${var.environment}"
    plan   = "repo:${var.repository}:pull_request"
  }
}

data "aws_iam_policy_document" "assumed_by_github" {
  #checkov:skip=CKV_AWS_358:Both subjects name repository and environment, or pull requests, without a wildcard; checkov does not follow a for_each

  for_each = local.subjects

  statement {
    sid     = "WorkflowsOfThisRepository"
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = ["arn:aws:iam::${local.account_id}:oidc-provider/${local.issuer}"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = [each.value]
    }
  }
}

# They have no boundary and can therefore not change themselves: a person does, by an apply of their own.
resource "aws_iam_role" "github" {
  for_each = local.subjects

  name                 = "${var.name}-github-${each.key}"
  description          = "GitHub's workflows of ${var.repository}: ${each.key}"
  assume_role_policy   = data.aws_iam_policy_document.assumed_by_github[each.key].json
  max_session_duration = 3600 # seconds
}

resource "aws_iam_role_policy_attachment" "deploy" {
  for_each = aws_iam_policy.deploy

  role       = aws_iam_role.github["deploy"].name
  policy_arn = each.value.arn
}

resource "aws_iam_role_policy" "plan" {
  name   = "plan"
  role   = aws_iam_role.github["plan"].id
  policy = data.aws_iam_policy_document.plan.json
}
