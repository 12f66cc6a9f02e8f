data "aws_caller_identity" "current" {}

locals {
  # The account's number makes the names unique in the world.
  buckets = { for part in ["lake", "artifacts", "logs"] : part => "${var.name}-${part}-${data.aws_caller_identity.current.account_id}" }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Who read what is logged by CloudTrail where the account has it; logs of S3 itself cost more than they tell
  #checkov:skip=CKV_AWS_144:A second region doubles the price; versions and raw files at their source are the copy
  #checkov:skip=CKV_AWS_145:SSE-S3 encrypts as well; a key of our own costs $1 a month and a request to KMS for each of the sensor's GETs
  #checkov:skip=CKV2_AWS_62:The sensor lists, so that a lost event loses nothing

  for_each = local.buckets

  bucket        = each.value
  force_destroy = each.key == "lake" ? var.lake_may_be_destroyed : true
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}
