output "ecr_repository_url" {
  description = "Where the image is pushed to."
  value       = module.platform.ecr_repository_url
}

output "connection_info" {
  description = "Addresses, buckets, log groups, and what to type next."
  value = {
    urls       = module.platform.urls
    buckets    = module.platform.buckets
    log_groups = module.platform.log_groups
    next_commands = concat(
      var.domain == null ? [] : ["Point ${var.domain.name} at ${module.platform.dns_name} (CNAME, or an alias in Route 53)"],
      [
        "aws s3 cp <file> s3://${module.platform.buckets["lake"]}/lake/raw/celec-sur/ --region ${var.region}",
        "aws logs tail ${module.platform.log_groups["daemon"]} --follow --region ${var.region}",
        "aws ecs describe-services --cluster ${module.platform.cluster_name} --services ${join(" ", keys(module.platform.service_task_definitions))} --region ${var.region}",
      ],
    )
  }
}

output "region" {
  description = "Region of all of it."
  value       = var.region
}

output "image_tag" {
  description = "Commit of the newest task definitions."
  value       = var.image_tag
}

output "cluster_name" {
  description = "The cluster."
  value       = module.platform.cluster_name
}

output "service_task_definitions" {
  description = "Newest task definition of each service, by the service's name."
  value       = module.platform.service_task_definitions
}

output "database_task_definition_arn" {
  description = "Task that makes users, databases and tables."
  value       = module.platform.database_task_definition_arn
}

output "run_task_definition_arn" {
  description = "Task of a run."
  value       = module.platform.run_task_definition_arn
}

output "network_configuration" {
  description = "`networkConfiguration` of RunTask, as JSON, for one-off tasks."
  value       = module.platform.network_configuration
}

output "database_instance" {
  description = "Name of the database in RDS."
  value       = module.platform.database_instance
}

output "alerts_topic_arn" {
  description = "Topic of alarms and alerts."
  value       = module.platform.alerts_topic_arn
}

output "uploader_role_arn" {
  description = "Role that may only put into raw/."
  value       = module.platform.uploader_role_arn
}

output "reader_role_arn" {
  description = "Role that reads lake and artifacts."
  value       = module.platform.reader_role_arn
}

output "deploy_role_arn" {
  description = "Role of GitHub's workflows that deploy; null without github_repository."
  value       = module.platform.deploy_role_arn
}

output "plan_role_arn" {
  description = "Role of GitHub's workflows that plan for pull requests; null without github_repository."
  value       = module.platform.plan_role_arn
}
