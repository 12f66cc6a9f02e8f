output "definition_arn" {
  description = "The newest revision."
  value       = aws_ecs_task_definition.this.arn
}

output "family_arn" {
  description = "The task definition without a revision."
  value       = aws_ecs_task_definition.this.arn_without_revision
}

output "role_name" {
  description = "Role of the program, to attach policies to."
  value       = aws_iam_role.task.name
}

output "role_arns" {
  description = "Both roles, which who starts the task has to pass on."
  value       = [aws_iam_role.task.arn, aws_iam_role.execution.arn]
}

output "log_group_names" {
  description = "Log group of each container."
  value       = { for container, group in aws_cloudwatch_log_group.this : container => group.name }
}

output "log_group_arns" {
  description = "The same groups, as ARNs."
  value       = { for container, group in aws_cloudwatch_log_group.this : container => group.arn }
}
