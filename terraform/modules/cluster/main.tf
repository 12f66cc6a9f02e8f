resource "aws_ecs_cluster" "this" {
  #checkov:skip=CKV_AWS_65:Container Insights costs $0.50 a metric and month; the alarms use what is free

  name = var.name

  setting {
    name  = "containerInsights"
    value = "disabled"
  }
}

# Runs ask for Spot by name, and for on-demand when there is none (celec_assets/instance/fargate.py).
resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

# Not Service Connect, whose proxy breaks off gRPC: https://github.com/dagster-io/dagster/issues/32727
resource "aws_service_discovery_private_dns_namespace" "this" {
  name        = "${var.name}.internal"
  description = "Names under which tasks find one another"
  vpc         = var.vpc_id
}
