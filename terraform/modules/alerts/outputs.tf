output "topic_arn" {
  description = "The topic, as soon as AWS's services may publish to it."
  value       = aws_sns_topic_policy.alerts.arn
}

output "key_arn" {
  description = "Its key, which who publishes has to use."
  value       = aws_kms_key.alerts.arn
}
