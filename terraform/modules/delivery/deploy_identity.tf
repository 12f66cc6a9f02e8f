locals {
  # Of tasks, of the night, of uploaders and readers.
  own_roles = "arn:aws:iam::${local.account_id}:role/${var.name}-*"
}

data "aws_iam_policy_document" "identity" {
  statement {
    sid = "ReadRolesAndPolicies"
    actions = [
      "iam:GetPolicy",
      "iam:GetPolicyVersion",
      "iam:GetRole",
      "iam:GetRolePolicy",
      "iam:ListAttachedRolePolicies",
      "iam:ListInstanceProfilesForRole",
      "iam:ListPolicyVersions",
      "iam:ListRolePolicies",
      "iam:ListRoleTags",
    ]
    resources = [local.own_roles, "arn:aws:iam::${local.account_id}:policy/${var.name}-*"]
  }

  # A role without the boundary cannot be made, and its own roles have none: it cannot give itself more.
  statement {
    sid = "OwnRolesWithinTheBoundary"
    actions = [
      "iam:CreateRole",
      "iam:DeleteRolePolicy",
      "iam:PutRolePermissionsBoundary",
      "iam:PutRolePolicy",
    ]
    resources = [local.own_roles]

    condition {
      test     = "StringEquals"
      variable = "iam:PermissionsBoundary"
      values   = [var.boundary_arn]
    }
  }

  # A role's description and tags give it nothing.
  statement {
    sid       = "DescribeOwnRoles"
    actions   = ["iam:TagRole", "iam:UntagRole", "iam:UpdateRole", "iam:UpdateRoleDescription"]
    resources = [local.own_roles]
  }

  statement {
    sid       = "GiveRolesToTasksAndSchedules"
    actions   = ["iam:PassRole"]
    resources = [local.own_roles]

    condition {
      test     = "StringEquals"
      variable = "iam:PassedToService"
      values   = ["ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"]
    }
  }
}
