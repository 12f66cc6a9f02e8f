mock_provider "aws" {
  source = "../../mocks"
}

variables {
  name                  = "celec-test"
  boundary_arn          = "arn:aws:iam::123456789012:policy/celec-test-boundary"
  lake_may_be_destroyed = false
}

run "the_lake_survives" {
  assert {
    condition     = !aws_s3_bucket.this["lake"].force_destroy && aws_s3_bucket.this["logs"].force_destroy
    error_message = "A lake that holds something cannot be destroyed; logs can."
  }

  assert {
    condition     = alltrue([for block in aws_s3_bucket_public_access_block.this : block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets])
    error_message = "No bucket is public."
  }

  assert {
    condition     = length(aws_s3_bucket_versioning.this) == 3 && length(aws_s3_bucket_server_side_encryption_configuration.this) == 3
    error_message = "Every bucket is versioned and encrypted."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.bucket : contains([for statement in document.statement : statement.sid], "OnlyOverTls")
    ])
    error_message = "Every bucket refuses what does not come over TLS."
  }

  assert {
    condition     = [for rule in aws_s3_bucket_lifecycle_configuration.this["lake"].rule : rule.id] == ["old-versions-and-broken-uploads"]
    error_message = "What the lake holds stays."
  }

  assert {
    condition     = contains([for rule in aws_s3_bucket_lifecycle_configuration.this["logs"].rule : rule.id], "expire")
    error_message = "Logs go after a month."
  }

  assert {
    condition     = length(data.aws_iam_policy_document.uploader.statement) == 1 && one(data.aws_iam_policy_document.uploader.statement[0].actions) == "s3:PutObject" && endswith(one(data.aws_iam_policy_document.uploader.statement[0].resources), "/lake/raw/*")
    error_message = "Who uploads may put into raw/ and do nothing else."
  }

  assert {
    condition     = alltrue(flatten([for statement in data.aws_iam_policy_document.reader.statement : [for action in statement.actions : can(regex("^s3:(Get|List)", action))]]))
    error_message = "A reader reads."
  }
}

run "unless_told" {
  variables {
    lake_may_be_destroyed = true
  }

  assert {
    condition     = aws_s3_bucket.this["lake"].force_destroy
    error_message = "Told so, the lake goes too."
  }
}
