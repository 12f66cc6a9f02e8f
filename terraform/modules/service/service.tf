locals {
  single = var.most_tasks == null
}

resource "aws_ecs_service" "this" {
  #checkov:skip=CKV_AWS_333:Public addresses instead of a NAT gateway; the groups let in nobody from outside: docs/decisions.md

  name            = var.name
  cluster         = var.common.cluster.arn
  task_definition = var.task_definition_arn
  desired_count   = var.common.started ? 1 : 0
  launch_type     = "FARGATE"
  propagate_tags  = "SERVICE"

  enable_ecs_managed_tags = true

  # One that must not run twice is stopped before the next is started; others overlap.
  deployment_minimum_healthy_percent = local.single ? 0 : 100
  deployment_maximum_percent         = local.single ? 100 : 200
  availability_zone_rebalancing      = local.single ? "DISABLED" : "ENABLED" # it starts a second task first

  # Only with a load balancer: how long a task may take before its health counts.
  health_check_grace_period_seconds = length(var.targets) > 0 ? 300 : null

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.common.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = true
  }

  dynamic "load_balancer" {
    for_each = var.targets

    content {
      container_name   = load_balancer.key
      container_port   = load_balancer.value.port
      target_group_arn = load_balancer.value.target_group_arn
    }
  }

  dynamic "service_registries" {
    for_each = aws_service_discovery_service.this

    content {
      registry_arn = service_registries.value.arn
    }
  }

  lifecycle {
    # Terraform registers new revisions. scripts/deploy.sh moves services to them when image and tables are there, and
    # back when a step fails; how many tasks there are is scaling's.
    ignore_changes = [task_definition, desired_count]
  }
}
