output "ecr_repository_url" {
  description = "Where the image is pushed to."
  value       = module.registry.url
}

output "cluster_name" {
  description = "The cluster."
  value       = module.cluster.name
}

output "service_task_definitions" {
  description = "Newest task definition of each service, by the service's name."
  value       = local.service_task_definitions
}

output "database_task_definition_arn" {
  description = "Task that makes users, databases and tables."
  value       = module.database_task.definition_arn
}

output "run_task_definition_arn" {
  description = "Task of a run."
  value       = module.run.definition_arn
}

output "network_configuration" {
  description = "`networkConfiguration` of RunTask, as JSON, for one-off tasks."
  value       = local.run_network
}

output "database_instance" {
  description = "Name of the database in RDS."
  value       = module.database.identifier
}

output "alerts_topic_arn" {
  description = "Topic of alarms and alerts."
  value       = module.alerts.topic_arn
}

output "uploader_role_arn" {
  description = "Role that may only put into raw/."
  value       = module.storage.uploader_role_arn
}

output "reader_role_arn" {
  description = "Role that reads lake and artifacts."
  value       = module.storage.reader_role_arn
}

output "dns_name" {
  description = "The load balancer's own name, for the domain's CNAME or alias."
  value       = module.entrance.dns_name
}

output "urls" {
  description = "Address of each page."
  value       = module.entrance.origins
}

output "buckets" {
  description = "Buckets by what they hold."
  value       = module.storage.bucket_names
}

output "log_groups" {
  description = "Log group of each container."
  value       = local.log_groups
}

output "deploy_role_arn" {
  description = "Role of GitHub's workflows; null without a repository."
  value       = one(module.delivery[*].deploy_role_arn)
}

output "plan_role_arn" {
  description = "Role that plans in pull requests; null without a repository."
  value       = one(module.delivery[*].plan_role_arn)
}
