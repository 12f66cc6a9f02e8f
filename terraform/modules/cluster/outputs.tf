output "name" {
  description = "The cluster's name."
  value       = aws_ecs_cluster.this.name
}

output "arn" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.arn
}

output "namespace_id" {
  description = "The namespace, for services that are found by name."
  value       = aws_service_discovery_private_dns_namespace.this.id
}

output "namespace_name" {
  description = "What follows a service's name: pages.<this>."
  value       = aws_service_discovery_private_dns_namespace.this.name
}
