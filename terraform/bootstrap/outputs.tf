output "state_bucket" {
  description = "Bucket that holds the state of all environments."
  value       = aws_s3_bucket.state.id
}
