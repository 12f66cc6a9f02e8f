mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name            = "celec-test"
  environment     = "test"
  repository      = "celec/celec_assets"
  repository_arn  = "arn:aws:ecr:us-east-1:123456789012:repository/celec-test"
  boundary_arn    = "arn:aws:iam::123456789012:policy/celec-test-boundary"
  log_group_names = "/celec/test/*"
}

run "who_may_what" {
  assert {
    condition     = [for condition in data.aws_iam_policy_document.assumed_by_github["deploy"].statement[0].condition : condition.values if endswith(condition.variable, ":sub")] == [tolist(["repo:celec/celec_assets:environment:test"])]
    error_message = "Only workflows that run in GitHub's environment deploy."
  }

  assert {
    condition     = [for condition in data.aws_iam_policy_document.assumed_by_github["plan"].statement[0].condition : condition.values if endswith(condition.variable, ":sub")] == [tolist(["repo:celec/celec_assets:pull_request"])]
    error_message = "Pull requests plan."
  }

  assert {
    condition     = length(aws_iam_policy.deploy) <= 10
    error_message = "A role has ten policies at most."
  }

  assert {
    condition = length(setintersection(
      ["secretsmanager:GetSecretValue", "rds:DeleteDBInstance", "s3:DeleteBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
      flatten([for statement in data.aws_iam_policy_document.data.statement : tolist(statement.actions)])
    )) == 0
    error_message = "A workflow reads no secret and no object, and takes down neither database nor lake."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.identity.statement :
      contains([for condition in statement.condition : condition.variable], "iam:PermissionsBoundary")
      if length(setintersection(["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"], statement.actions)) > 0
    ])
    error_message = "A workflow makes no role and gives no rights without the boundary."
  }
}
