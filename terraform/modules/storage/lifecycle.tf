locals {
  # Days after which objects go. What the lake and MLflow hold stays.
  expire_days = { logs = 30 }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "old-versions-and-broken-uploads"
    status = "Enabled"
    filter {}

    # How far back an object that was overwritten or deleted can be brought back: docs/operations.md.
    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }

  dynamic "rule" {
    for_each = { for part, days in local.expire_days : part => days if part == each.key }

    content {
      id     = "expire"
      status = "Enabled"
      filter {}

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this] # S3 knows no old versions before
}
