output "bucket_names" {
  description = "Buckets by what they hold: lake, artifacts, logs."
  value       = { for part, bucket in aws_s3_bucket.this : part => bucket.id }
}

output "bucket_arns" {
  description = "The same buckets, as ARNs."
  value       = { for part, bucket in aws_s3_bucket.this : part => bucket.arn }
}

output "access_log_bucket" {
  description = "Where the load balancer writes its log, as soon as it may."
  value       = aws_s3_bucket_policy.this["logs"].bucket
}

output "uploader_role_arn" {
  description = "Role that may only put into raw/."
  value       = aws_iam_role.uploader.arn
}

output "reader_role_arn" {
  description = "Role that reads lake and artifacts."
  value       = aws_iam_role.reader.arn
}

output "reader_policy_json" {
  description = "What the reader may, for a task that reads the same."
  value       = data.aws_iam_policy_document.reader.json
}
