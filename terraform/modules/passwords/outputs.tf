output "secret_arns" {
  description = "Secret of each user, as soon as it holds something: JSON with username and password."
  value       = { for user, version in aws_secretsmanager_secret_version.user : user => version.secret_arn }
}
