data "aws_iam_policy_document" "data" {
  # Configuration of the buckets; none of their objects.
  statement {
    sid = "OwnBuckets"
    actions = [
      "s3:CreateBucket",
      "s3:DeleteBucketPolicy",
      "s3:GetAccelerateConfiguration",
      "s3:GetBucket*",
      "s3:GetEncryptionConfiguration",
      "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration",
      "s3:ListBucket",
      "s3:ListTagsForResource",
      "s3:PutBucketOwnershipControls",
      "s3:PutBucketPolicy",
      "s3:PutBucketPublicAccessBlock",
      "s3:PutBucketTagging",
      "s3:PutBucketVersioning",
      "s3:PutEncryptionConfiguration",
      "s3:PutLifecycleConfiguration",
      "s3:TagResource",
      "s3:UntagResource",
    ]
    resources = ["arn:aws:s3:::${var.name}-*"] # lake, artifacts and logs
  }

  # It neither deletes the database nor reads its backups.
  statement {
    sid = "OwnDatabase"
    actions = [
      "rds:AddTagsToResource",
      "rds:CreateDBInstance",
      "rds:CreateDBParameterGroup",
      "rds:CreateDBSubnetGroup",
      "rds:DeleteDBParameterGroup",
      "rds:ModifyDBInstance",
      "rds:ModifyDBParameterGroup",
      "rds:ModifyDBSubnetGroup",
      "rds:RemoveTagsFromResource",
      "rds:StartDBInstance",
      "rds:StopDBInstance",
    ]
    resources = [
      "arn:aws:rds:${local.here}:db:${var.name}",
      "arn:aws:rds:${local.here}:pg:${var.name}-*", # ends at random, since one is made before the other goes
      "arn:aws:rds:${local.here}:subgrp:${var.name}",
    ]
  }

  # Written, never read: secretsmanager:GetSecretValue is not among them. Terraform sees by the list that a version is
  # still there.
  statement {
    sid = "OwnSecrets"
    actions = [
      "secretsmanager:CreateSecret",
      "secretsmanager:DeleteSecret",
      "secretsmanager:ListSecretVersionIds",
      "secretsmanager:PutSecretValue",
      "secretsmanager:RotateSecret",
      "secretsmanager:TagResource",
      "secretsmanager:UntagResource",
      "secretsmanager:UpdateSecret",
    ]
    resources = ["arn:aws:secretsmanager:${local.here}:secret:${var.name}-*"] # AWS ends their names at random
  }

  # RDS makes it in the name of who makes the database, whose identifier nobody knows before.
  statement {
    sid       = "SecretOfTheAdministrator"
    actions   = ["secretsmanager:CreateSecret", "secretsmanager:TagResource"]
    resources = ["arn:aws:secretsmanager:${local.here}:secret:rds!db-*"]
  }
}
