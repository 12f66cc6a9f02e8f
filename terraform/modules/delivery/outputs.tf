output "deploy_role_arn" {
  description = "Role of workflows that deploy."
  value       = aws_iam_role.github["deploy"].arn
}

output "plan_role_arn" {
  description = "Role of workflows that plan for pull requests."
  value       = aws_iam_role.github["plan"].arn
}
