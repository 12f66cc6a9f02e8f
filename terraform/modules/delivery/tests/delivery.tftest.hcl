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
    condition     = jsondecode(aws_iam_role.github["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:celec/celec_assets:environment:test"
    error_message = "Only workflows that run in GitHub's environment deploy."
  }

  assert {
    condition     = jsondecode(aws_iam_role.github["plan"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == "repo:celec/celec_assets:pull_request"
    error_message = "Pull requests plan."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_policy.deploy : length(replace(policy.policy, "/\\s/", "")) <= 6144])
    error_message = "A managed policy has 6,144 characters at most."
  }

  assert {
    condition     = length(aws_iam_policy.deploy) <= 10
    error_message = "A role has ten policies at most."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_policy.deploy : !strcontains(policy.policy, "secretsmanager:GetSecretValue") && !strcontains(policy.policy, "DeleteDBInstance") && !strcontains(policy.policy, "\"s3:DeleteBucket\"")])
    error_message = "A workflow reads no secret and takes down neither database nor lake."
  }

  assert {
    condition     = strcontains(aws_iam_policy.deploy["identity"].policy, "iam:PermissionsBoundary")
    error_message = "A workflow makes no role without the boundary."
  }
}
